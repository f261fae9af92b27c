// What every module of kernels shares: number types, wide accesses, reductions, random numbers. No header is included, so
// that the run-time compiler alone can compile it. Whatever has no plain C++ form has a twin for SIMT_EMULATOR, the
// emulation of kernels on a processor that tests run.

// The 16 high bits of a float32.
struct bf16 {
    unsigned short bits;
};

#ifdef COMPUTE_BF16
typedef bf16 compute_t;
#else
typedef float compute_t;
#endif

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

// A block's dynamic shared memory, aligned to 128 bytes, under a name.
#ifdef SIMT_EMULATOR
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(simt::dynamic_shared())
#else
#define DYNAMIC_SHARED(type, name)                                         \
    extern __shared__ __align__(128) unsigned char dynamic_shared_bytes[]; \
    type* name = reinterpret_cast<type*>(dynamic_shared_bytes)
#endif

// Four of the bytes of low (0 to 3) and high (4 to 7), the i-th named by four bits of `selector` from bit 4 i on; the highest of
// them asks for eight times the byte's sign instead.
__device__ __forceinline__ unsigned permute_bytes(unsigned low, unsigned high, unsigned selector) {
#ifdef SIMT_EMULATOR
    return simt::permute_bytes(low, high, selector);
#else
    unsigned result;
    asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(selector));
    return result;
#endif
}

// Byte `at` of each of four words, that of the first in the lowest place.
__device__ __forceinline__ unsigned gather_bytes(unsigned a, unsigned b, unsigned c, unsigned d, unsigned at) {
    unsigned selector = at | (at + 4) << 4;
    return permute_bytes(permute_bytes(a, b, selector), permute_bytes(c, d, selector), 0x5410);
}

// 16 times the sign of byte `at` of low, and above it 16 times that of high.
__device__ __forceinline__ unsigned spread_signs(unsigned low, unsigned high, unsigned at) {
    return permute_bytes(low, high, 0xcc88 + 0x1111 * at);
}

// Conversions; to bfloat16 by rounding to nearest, ties to even.

__device__ __forceinline__ float to_float(float x) { return x; }

__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }

// Two bfloat16 in one word: the first in the low half, as it comes first in memory.
__device__ __forceinline__ unsigned pack_bf16(float first, float second) {
#ifdef SIMT_EMULATOR
    return simt::to_bf16(first) | static_cast<unsigned>(simt::to_bf16(second)) << 16;
#else
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
    return pair;
#endif
}

__device__ __forceinline__ float low_bf16(unsigned pair) { return __uint_as_float(pair << 16); }

__device__ __forceinline__ float high_bf16(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

__device__ __forceinline__ bf16 to_bf16(float x) {
    bf16 result;
    result.bits = static_cast<unsigned short>(pack_bf16(x, 0.0f));
    return result;
}

__device__ __forceinline__ void store(float* at, float x) { *at = x; }

__device__ __forceinline__ void store(bf16* at, float x) { *at = to_bf16(x); }

// What x becomes when it is stored as compute_t.
__device__ __forceinline__ float rounded(float x) {
#ifdef COMPUTE_BF16
    return to_float(to_bf16(x));
#else
    return x;
#endif
}

// Wide accesses: 16 bytes at an address that is a multiple of 16.

__device__ __forceinline__ bool is_aligned(const void* address, unsigned bytes) {
    return (reinterpret_cast<unsigned long long>(address) & (bytes - 1)) == 0;
}

__device__ __forceinline__ uint4 load16(const void* address) {
#ifdef SIMT_EMULATOR
    simt::require_aligned(address, 16);
#endif
    return *reinterpret_cast<const uint4*>(address);
}

__device__ __forceinline__ void store16(void* address, uint4 value) {
#ifdef SIMT_EMULATOR
    simt::require_aligned(address, 16);
#endif
    *reinterpret_cast<uint4*>(address) = value;
}

__device__ __forceinline__ void load_four(float* x, const float* from) {
    uint4 words = load16(from);
    x[0] = __uint_as_float(words.x);
    x[1] = __uint_as_float(words.y);
    x[2] = __uint_as_float(words.z);
    x[3] = __uint_as_float(words.w);
}

// Eight consecutive numbers; bfloat16 at a multiple of 16 bytes, float32 likewise.

__device__ __forceinline__ void load8(const bf16* at, float (&x)[8]) {
    uint4 words = load16(at);
    x[0] = low_bf16(words.x);
    x[1] = high_bf16(words.x);
    x[2] = low_bf16(words.y);
    x[3] = high_bf16(words.y);
    x[4] = low_bf16(words.z);
    x[5] = high_bf16(words.z);
    x[6] = low_bf16(words.w);
    x[7] = high_bf16(words.w);
}

__device__ __forceinline__ void store8(bf16* at, const float (&x)[8]) {
    store16(at, make_uint4(pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3]), pack_bf16(x[4], x[5]), pack_bf16(x[6], x[7])));
}

__device__ __forceinline__ void load8(const float* at, float (&x)[8]) {
    uint4 first = load16(at);
    uint4 second = load16(at + 4);
    x[0] = __uint_as_float(first.x);
    x[1] = __uint_as_float(first.y);
    x[2] = __uint_as_float(first.z);
    x[3] = __uint_as_float(first.w);
    x[4] = __uint_as_float(second.x);
    x[5] = __uint_as_float(second.y);
    x[6] = __uint_as_float(second.z);
    x[7] = __uint_as_float(second.w);
}

__device__ __forceinline__ void store8(float* at, const float (&x)[8]) {
    store16(at, make_uint4(__float_as_uint(x[0]), __float_as_uint(x[1]), __float_as_uint(x[2]), __float_as_uint(x[3])));
    store16(at + 4, make_uint4(__float_as_uint(x[4]), __float_as_uint(x[5]), __float_as_uint(x[6]), __float_as_uint(x[7])));
}

// Parameters. Of a split one, `high` holds the nearest bfloat16 of every element and `low` the signed rest: the float32's
// bits are (high << 16) + low. Of a plain one, `high` holds float32 and `low` is null.

#ifdef COMPUTE_BF16
typedef bf16 master_t;
#else
typedef float master_t;
#endif
typedef short rest_t;

__device__ __forceinline__ float join(bf16 high, rest_t low) {
    return __uint_as_float((static_cast<unsigned>(high.bits) << 16) + static_cast<unsigned>(static_cast<int>(low)));
}

// A tie goes away from zero: a rest of 0x8000 does not fit a signed number. NaN stays NaN in the half that products read.
__device__ __forceinline__ void split(float x, bf16& high, rest_t& low) {
    unsigned bits = __float_as_uint(x);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    high.bits = nan ? 0x7fc0 : static_cast<unsigned short>((bits + 0x8000u) >> 16);
    low = nan ? 0 : static_cast<rest_t>(static_cast<unsigned short>(bits & 0xffffu));
}

__device__ __forceinline__ float master_load(const float* high, const rest_t*, long long i) { return high[i]; }

__device__ __forceinline__ float master_load(const bf16* high, const rest_t* low, long long i) {
    return join(high[i], low[i]);
}

__device__ __forceinline__ void master_store(float* high, rest_t*, long long i, float x) { high[i] = x; }

__device__ __forceinline__ void master_store(bf16* high, rest_t* low, long long i, float x) {
    bf16 h;
    rest_t l;
    split(x, h, l);
    high[i] = h;
    low[i] = l;
}

// Eight elements from number i on, a multiple of 8; both arrays begin at multiples of 16 bytes.

__device__ __forceinline__ void master_load8(const float* high, const rest_t*, long long i, float (&x)[8]) {
    load8(high + i, x);
}

__device__ __forceinline__ void master_store8(float* high, rest_t*, long long i, const float (&x)[8]) {
    store8(high + i, x);
}

__device__ __forceinline__ unsigned join_low(unsigned high, unsigned low) {
    return (high << 16) + static_cast<unsigned>(static_cast<int>(static_cast<short>(low & 0xffffu)));
}

__device__ __forceinline__ unsigned join_high(unsigned high, unsigned low) {
    return (high & 0xffff0000u) + static_cast<unsigned>(static_cast<int>(low) >> 16);
}

__device__ __forceinline__ void master_load8(const bf16* high, const rest_t* low, long long i, float (&x)[8]) {
    uint4 h = load16(high + i);
    uint4 l = load16(low + i);
    x[0] = __uint_as_float(join_low(h.x, l.x));
    x[1] = __uint_as_float(join_high(h.x, l.x));
    x[2] = __uint_as_float(join_low(h.y, l.y));
    x[3] = __uint_as_float(join_high(h.y, l.y));
    x[4] = __uint_as_float(join_low(h.z, l.z));
    x[5] = __uint_as_float(join_high(h.z, l.z));
    x[6] = __uint_as_float(join_low(h.w, l.w));
    x[7] = __uint_as_float(join_high(h.w, l.w));
}

__device__ __forceinline__ void split2(float first, float second, unsigned& high, unsigned& low) {
    bf16 h0, h1;
    rest_t l0, l1;
    split(first, h0, l0);
    split(second, h1, l1);
    high = h0.bits | static_cast<unsigned>(h1.bits) << 16;
    low = static_cast<unsigned short>(l0) | static_cast<unsigned>(static_cast<unsigned short>(l1)) << 16;
}

__device__ __forceinline__ void master_store8(bf16* high, rest_t* low, long long i, const float (&x)[8]) {
    uint4 h, l;
    split2(x[0], x[1], h.x, l.x);
    split2(x[2], x[3], h.y, l.y);
    split2(x[4], x[5], h.z, l.z);
    split2(x[6], x[7], h.w, l.w);
    store16(high + i, h);
    store16(low + i, l);
}

// Reductions in an order that depends on the block's size alone. All lanes, or threads, take part and get the result.

__device__ __forceinline__ float warp_sum(float x) {
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        x += __shfl_xor_sync(ALL_LANES, x, distance);
    }
    return x;
}

__device__ __forceinline__ float warp_max(float x) {
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, distance));
    }
    return x;
}

// Over a block of up to 1024 threads. The barriers make it safe to call again at once.
__device__ __forceinline__ float block_sum(float x) {
    __shared__ float sums[WARP];
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0) {
        sums[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    x = warp_sum(threadIdx.x % WARP < blockDim.x / WARP ? sums[threadIdx.x % WARP] : 0.0f);
    __syncthreads();
    return x;
}

__device__ __forceinline__ float block_max(float x) {
    __shared__ float largest[WARP];
    x = warp_max(x);
    if (threadIdx.x % WARP == 0) {
        largest[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    x = warp_max(largest[threadIdx.x % WARP < blockDim.x / WARP ? threadIdx.x % WARP : 0]);
    __syncthreads();
    return x;
}

// Functions of the special function units: relative errors of about 2^-22.

__device__ __forceinline__ float fast_exp2(float x) {
#ifdef SIMT_EMULATOR
    return exp2f(x);
#else
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

__device__ __forceinline__ float fast_exp(float x) { return fast_exp2(x * 1.4426950408889634f); }

__device__ __forceinline__ float fast_rsqrt(float x) {
#ifdef SIMT_EMULATOR
    return 1.0f / sqrtf(x);
#else
    float y;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#endif
}

// Philox 4x32-10 (Salmon et al. 2011), as in dev.sparkswitch.base.Philox: the words of elements 4 * block to 4 * block + 3.
// The keys of all ten rounds are arguments of the launch, which instructions read where they are: computed here, they would
// take twenty registers.
struct Philox {
    unsigned keys[10][2];
    unsigned step;
    unsigned stream;

    __device__ __forceinline__ uint4 words(unsigned long long block) const {
        unsigned c0 = static_cast<unsigned>(block);
        unsigned c1 = static_cast<unsigned>(block >> 32);
        unsigned c2 = step;
        unsigned c3 = stream;
#pragma unroll
        for (int round = 0; round < 10; round++) {
            // One wide product each: both halves are needed.
            unsigned long long product0 = static_cast<unsigned long long>(c0) * 0xD2511F53u;
            unsigned long long product1 = static_cast<unsigned long long>(c2) * 0xCD9E8D57u;
            c0 = static_cast<unsigned>(product1 >> 32) ^ c1 ^ keys[round][0];
            c1 = static_cast<unsigned>(product1);
            c2 = static_cast<unsigned>(product0 >> 32) ^ c3 ^ keys[round][1];
            c3 = static_cast<unsigned>(product0);
        }
        return make_uint4(c0, c1, c2, c3);
    }
};

// Dropout as in dev.sparkswitch.engine.Dropout; a kernel takes it by value. Inactive where the scale is 0.
struct Dropout {
    Philox source;
    long long first_row;
    int first_plane;
    int total_planes;
    // In the high half: a low half is compared once it has been shifted up
    unsigned threshold;
    float scale;

    __device__ __forceinline__ bool active() const { return scale != 0.0f; }

    // The number of the first element of a row.
    __device__ __forceinline__ unsigned long long element(int plane, long long row, int width) const {
        return static_cast<unsigned long long>(((first_row + row) * total_planes + first_plane + plane) * width);
    }

    // The 16 bits of eight elements from number `first` on, two a word, the lower first. Where rows are no multiple of eight
    // long they may lie in two blocks.
    __device__ __forceinline__ uint4 eight(unsigned long long first, bool aligned) const {
        uint4 words = source.words(first >> 3);
        if (aligned) {
            return words;
        }
        uint4 next = source.words((first >> 3) + 1);
        if (first & 1) {
            words = make_uint4(
                __funnelshift_r(words.x, words.y, 16), __funnelshift_r(words.y, words.z, 16),
                __funnelshift_r(words.z, words.w, 16), __funnelshift_r(words.w, next.x, 16));
            next = make_uint4(
                __funnelshift_r(next.x, next.y, 16), __funnelshift_r(next.y, next.z, 16),
                __funnelshift_r(next.z, next.w, 16), 0);
        }
        if (first & 2) {
            words = make_uint4(words.y, words.z, words.w, next.x);
            next = make_uint4(next.y, next.z, next.w, 0);
        }
        return first & 4 ? make_uint4(words.z, words.w, next.x, next.y) : words;
    }

    __device__ __forceinline__ bool keeps_low(unsigned word) const { return word << 16 >= threshold; }

    // Whatever the low half is: the threshold's is 0.
    __device__ __forceinline__ bool keeps_high(unsigned word) const { return word >= threshold; }

    // The factor, 0 or the scale, of one element; eight times the work of eight().
    __device__ __forceinline__ float factor_of(unsigned long long element) const {
        uint4 words = source.words(element >> 3);
        unsigned low = element & 4 ? words.z : words.x;
        unsigned high = element & 4 ? words.w : words.y;
        unsigned word = element & 2 ? high : low;
        return (element & 1 ? keeps_high(word) : keeps_low(word)) ? scale : 0.0f;
    }
};
