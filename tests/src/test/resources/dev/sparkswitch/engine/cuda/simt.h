// CUDA kernels as plain C++: what kernel sources take for granted, and the emulation of a grid of threads behind it. Every
// thread of a block is a fiber; all fibers and all blocks run on one thread of the processor, one after the other, and give
// way to each other at barriers and at exchanges within a warp. Mistakes that a card would answer with wrong numbers or a
// hang (threads at different barriers, an exchange that a named lane never joins, a misaligned wide access) end the launch
// with a sentence.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// One block at a time runs, so that its shared variables can be static. They lie together to be spoiled before each block.
#define __shared__ __attribute__((section("simt_shared"))) static

struct uint2 {
    unsigned x, y;
};
struct uint3 {
    unsigned x, y, z;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
struct int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};

inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace simt {

constexpr int LANES = 32;

// The thread that runs, and where it stands.
extern uint3 thread_index;
extern uint3 block_index;
extern uint3 block_size;
extern uint3 grid_size;

void* dynamic_shared();

// Ends the launch with a message; never returns.
[[noreturn]] void fail(const char* format, ...);

void require_aligned(const void* address, unsigned bytes);

// Waits for all threads of the block. Returns how many of them brought a value other than 0.
int block_barrier(const char* name, int line, int value);

// The lanes of the mask bring what `payload` points to; the last one to arrive calls `resolve` for all of them.
typedef void (*Resolver)(void* const* payloads, unsigned mask);
void warp_collective(const char* name, Resolver resolve, unsigned mask, void* payload, int line);

inline unsigned bits_of(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline float of_bits(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// To nearest, ties to even.
inline unsigned to_bf16(float x) {
    unsigned bits = bits_of(x);
    return std::isnan(x) ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

inline float from_bf16(unsigned bits) { return of_bits(bits << 16); }

template <class T>
struct Exchange {
    T value;
    int from;
    T result;
};

template <class T>
void resolve_exchange(void* const* payloads, unsigned mask) {
    for (int lane = 0; lane < LANES; lane++) {
        if (mask >> lane & 1) {
            auto* to = static_cast<Exchange<T>*>(payloads[lane]);
            if (!(mask >> to->from & 1)) {
                fail("lane %d reads from lane %d, which takes no part (mask %08x)", lane, to->from, mask);
            }
            to->result = static_cast<Exchange<T>*>(payloads[to->from])->value;
        }
    }
}

template <class T>
T exchange(const char* name, unsigned mask, T value, int from, int line) {
    Exchange<T> payload{value, from, value};
    warp_collective(name, &resolve_exchange<T>, mask, &payload, line);
    return payload.result;
}

inline int lane() { return static_cast<int>(thread_index.x % LANES); }

unsigned ballot(unsigned mask, bool predicate, int line);
void mma_16x8x16(float* d, const unsigned* a, const unsigned* b, int line);
void load_matrices(unsigned* r, const void* row, bool transposed, int line);
void copy_async(void* shared, const void* global, unsigned size, int bytes);
void copy_async_commit();
void copy_async_wait(int pending);

// Kernels by name, with the kinds of their parameters: i int, l long long, f float, d double, p pointer, s struct.
template <class T>
struct Kind {
    static constexpr char code = 's';
};
template <class T>
struct Kind<T*> {
    static constexpr char code = 'p';
};
template <>
struct Kind<int> {
    static constexpr char code = 'i';
};
template <>
struct Kind<unsigned> {
    static constexpr char code = 'i';
};
template <>
struct Kind<long long> {
    static constexpr char code = 'l';
};
template <>
struct Kind<unsigned long long> {
    static constexpr char code = 'l';
};
template <>
struct Kind<float> {
    static constexpr char code = 'f';
};
template <>
struct Kind<double> {
    static constexpr char code = 'd';
};

struct Registered {
    const char* name;
    const char* kinds;
    void (*call)(const Registered* kernel, void* const* arguments);
    void (*function)();
    const Registered* next;
};

extern const Registered* registered;

template <class... A>
struct Registration : Registered {
    static constexpr char codes[sizeof...(A) + 1] = {Kind<A>::code..., 0};

    Registration(const char* kernel_name, void (*kernel)(A...)) {
        name = kernel_name;
        kinds = codes;
        function = reinterpret_cast<void (*)()>(kernel);
        call = [](const Registered* self, void* const* arguments) {
            run(reinterpret_cast<void (*)(A...)>(self->function), arguments, std::index_sequence_for<A...>{});
        };
        next = registered;
        registered = this;
    }

    template <std::size_t... I>
    static void run(void (*kernel)(A...), void* const* arguments, std::index_sequence<I...>) {
        (void)arguments;
        kernel(*static_cast<A*>(arguments[I])...);
    }
};

template <class... A>
Registration<A...> registration(const char* name, void (*kernel)(A...)) {
    return Registration<A...>(name, kernel);
}

// As prmt.b32 without a mode.
inline unsigned permute_bytes(unsigned low, unsigned high, unsigned selector) {
    uint64_t bytes = static_cast<uint64_t>(high) << 32 | low;
    unsigned result = 0;
    for (int i = 0; i < 4; i++) {
        unsigned wanted = selector >> 4 * i & 15;
        unsigned byte = static_cast<unsigned>(bytes >> 8 * (wanted & 7)) & 0xff;
        result |= (wanted < 8 ? byte : byte < 0x80 ? 0u : 0xffu) << 8 * i;
    }
    return result;
}

}  // namespace simt

#define threadIdx (simt::thread_index)
#define blockIdx (simt::block_index)
#define blockDim (simt::block_size)
#define gridDim (simt::grid_size)
#define warpSize 32

#define __syncthreads() simt::block_barrier("__syncthreads", __LINE__, 0)
#define __syncthreads_count(value) simt::block_barrier("__syncthreads_count", __LINE__, (value) ? 1 : 0)
#define __syncthreads_or(value) (simt::block_barrier("__syncthreads_or", __LINE__, (value) ? 1 : 0) != 0)
#define __syncwarp(...) simt::ballot(simt::mask_or_all(__VA_ARGS__), true, __LINE__)

namespace simt {
inline unsigned mask_or_all(unsigned mask = 0xffffffffu) { return mask; }
}  // namespace simt

#define __ballot_sync(mask, predicate) simt::ballot(mask, predicate, __LINE__)
#define __any_sync(mask, predicate) (simt::ballot(mask, predicate, __LINE__) != 0)
#define __all_sync(mask, predicate) (simt::ballot(mask, predicate, __LINE__) == (mask))
#define __shfl_sync(mask, value, from) simt::exchange("__shfl_sync", mask, value, (from) & 31, __LINE__)
#define __shfl_xor_sync(mask, value, turn) simt::exchange("__shfl_xor_sync", mask, value, simt::lane() ^ (turn), __LINE__)
#define __shfl_down_sync(mask, value, by) \
    simt::exchange("__shfl_down_sync", mask, value, simt::lane() + (by) < 32 ? simt::lane() + (by) : simt::lane(), __LINE__)
#define __shfl_up_sync(mask, value, by) \
    simt::exchange("__shfl_up_sync", mask, value, simt::lane() - (by) >= 0 ? simt::lane() - (by) : simt::lane(), __LINE__)

inline unsigned __float_as_uint(float x) { return simt::bits_of(x); }
inline int __float_as_int(float x) { return static_cast<int>(simt::bits_of(x)); }
inline float __uint_as_float(unsigned bits) { return simt::of_bits(bits); }
inline float __int_as_float(int bits) { return simt::of_bits(static_cast<unsigned>(bits)); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32); }
// The low word of (high:low) shifted right.
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return static_cast<unsigned>((static_cast<unsigned long long>(high) << 32 | low) >> (shift & 31));
}

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline void __threadfence() {}
template <class T>
inline T __ldg(const T* address) {
    return *address;
}

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline long long min(long long a, long long b) { return a < b ? a : b; }
inline long long max(long long a, long long b) { return a > b ? a : b; }

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }

// Blocks and threads follow each other, so that a plain sum is atomic.
template <class T>
inline T atomicAdd(T* at, T value) {
    T before = *at;
    *at = before + value;
    return before;
}
