// The router's three products in float32's precision by tensor cores, with the noise of its input, which is never written down:
// each kernel makes it anew from x, in bfloat16, and random numbers. A float32 is the sum of three bfloat16, and of the nine
// products of two such sums the six largest make up float32's 24 bits. What is left out is below 2^-24 of the whole. Sums are
// float32, as in any product.

// Numbers of a float32
constexpr int PARTS = 3;
constexpr int CHUNK = 16;
constexpr int TILE = 8;
constexpr int WARPS = 8;
constexpr int THREADS = WARPS * WARP;
// Words of a tile of weights: 16 by 8 numbers in three parts, two words a lane and part.
constexpr int TILE_WORDS = PARTS * WARP * 2;

// What the router sees of x: each number times U(1 - jitter, 1 + jitter), as router_input makes it.
struct Jitter {
    Dropout numbers;
    float low;
    float span;

    // The factors of four elements from number `first` on, a multiple of 4
    __device__ __forceinline__ float4 four(unsigned long long first) const {
        uint4 words = numbers.source.words(first >> 2);
        return make_float4(
            low + span * static_cast<float>(words.x), low + span * static_cast<float>(words.y),
            low + span * static_cast<float>(words.z), low + span * static_cast<float>(words.w));
    }

    // Four numbers of x as the router sees them, in float32
    __device__ __forceinline__ uint4 seen(uint2 x, unsigned long long first) const {
        float4 factors = numbers.active() ? four(first) : make_float4(1.0f, 1.0f, 1.0f, 1.0f);
        return make_uint4(
            __float_as_uint(low_bf16(x.x) * factors.x), __float_as_uint(high_bf16(x.x) * factors.y),
            __float_as_uint(low_bf16(x.y) * factors.z), __float_as_uint(high_bf16(x.y) * factors.w));
    }
};

__device__ __forceinline__ uint2 load_four(const bf16* at) { return *reinterpret_cast<const uint2*>(at); }

template <int N>
__device__ __forceinline__ void split_pair(float first, float second, unsigned (&parts)[N]) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        parts[i] = pack_bf16(first, second);
        first -= low_bf16(parts[i]);
        second -= high_bf16(parts[i]);
    }
}

// d += a b, the small products first.
template <int N>
__device__ __forceinline__ void multiply_parts(
    float (&d)[4], const unsigned (&a)[N][4], const unsigned (&b)[N][2]) {
#pragma unroll
    for (int order = N - 1; order >= 0; order--) {
#pragma unroll
        for (int i = order; i >= 0; i--) {
            mma_16x8x16(d, a[i], b[order - i]);
        }
    }
}

// Weights as the lanes of a warp want them. Of a chunk of 16 numbers that are summed over, lane group + 4 quarter takes the
// four from 4 quarter on, which only has to be the same in both factors. Tiles [chunks, tiles]; sums go over the columns of
// w [rows, width], or over its rows. A thread makes what one lane gets.
extern "C" __global__ void router_tiles(
    const master_t* w, const rest_t* rest, unsigned* tiles, int rows, int width, int over_rows, int across, int lanes) {
    int item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item >= lanes) {
        return;
    }
    int lane = item % WARP;
    int tile = item / WARP;
    int outer = tile % across * TILE + lane / 4;
    int summed = tile / across * CHUNK + lane % 4 * 4;
    float x[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = over_rows != 0 ? summed + i : outer;
        int column = over_rows != 0 ? outer : summed + i;
        x[i] = row < rows && column < width ? master_load(w, rest, static_cast<long long>(row) * width + column) : 0.0f;
    }
    unsigned first[PARTS];
    unsigned second[PARTS];
    split_pair(x[0], x[1], first);
    split_pair(x[2], x[3], second);
    unsigned* target = tiles + static_cast<long long>(tile) * TILE_WORDS + lane * 2;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        target[i * WARP * 2] = first[i];
        target[i * WARP * 2 + 1] = second[i];
    }
}

// Four numbers of a row and of the row eight below, as a factor on the left.
template <int N>
__device__ __forceinline__ void split_rows(const uint4& upper, const uint4& lower, unsigned (&a)[N][4]) {
    unsigned parts[4][N];
    split_pair(__uint_as_float(upper.x), __uint_as_float(upper.y), parts[0]);
    split_pair(__uint_as_float(lower.x), __uint_as_float(lower.y), parts[1]);
    split_pair(__uint_as_float(upper.z), __uint_as_float(upper.w), parts[2]);
    split_pair(__uint_as_float(lower.z), __uint_as_float(lower.w), parts[3]);
#pragma unroll
    for (int i = 0; i < N; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            a[i][k] = parts[k][i];
        }
    }
}

// A tile of weights in shared memory as a factor on the right.
template <int N>
__device__ __forceinline__ void load_tile(const unsigned* tile, unsigned (&b)[N][2]) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        uint2 words = *reinterpret_cast<const uint2*>(tile + (i * WARP + threadIdx.x % WARP) * 2);
        b[i][0] = words.x;
        b[i][1] = words.y;
    }
}

// Begins to copy `count` tiles from tile `first` on, of which those from `end` on become 0.
__device__ __forceinline__ void ask_for_tiles(unsigned* shared, const unsigned* tiles, int first, int end, int count) {
    for (int i = threadIdx.x; i < count * (TILE_WORDS / 4); i += THREADS) {
        bool inside = first + i / (TILE_WORDS / 4) < end;
        const unsigned* from = tiles + (inside ? static_cast<long long>(first) * TILE_WORDS + i * 4 : 0);
        copy_async16(shared + i * 4, from, inside ? 16 : 0);
    }
}

// logits [tokens, experts] = x [tokens, width] w^T for TILES * 8 experts. The columns are shared by SLICES of a block's warps.
template <int TILES, int SLICES>
__device__ __forceinline__ void router_logits(
    const bf16* x, const Jitter& jitter, const unsigned* tiles, float* logits, int tokens, int experts, int width) {
    constexpr int GROUPS = WARPS / SLICES;
    constexpr int ROWS = GROUPS * CHUNK;
    // Of a slice in a round
    constexpr int CHUNKS = 2;
    constexpr int STAGE = SLICES * CHUNKS * TILES * TILE_WORDS;
    DYNAMIC_SHARED(unsigned, stages);
    int lane = threadIdx.x % WARP;
    int slice = threadIdx.x / WARP / GROUPS;
    int group = threadIdx.x / WARP % GROUPS;
    int across = (experts + TILE - 1) / TILE;
    int first_tile = blockIdx.y * TILES;
    int chunks = width / CHUNK;
    int rounds = (chunks + SLICES * CHUNKS - 1) / (SLICES * CHUNKS);
    int upper = blockIdx.x * ROWS + group * CHUNK + lane / 4;
    const bf16* upper_row = x + static_cast<long long>(upper) * width + lane % 4 * 4;
    const bf16* lower_row = upper_row + static_cast<long long>(TILE) * width;
    unsigned long long upper_number = jitter.numbers.element(0, upper, width) + lane % 4 * 4;
    unsigned long long lower_number = jitter.numbers.element(0, upper + TILE, width) + lane % 4 * 4;
    uint2 ahead[CHUNKS][2];
    auto ask_for_rows = [&](int round) {
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            int chunk = (round * SLICES + slice) * CHUNKS + c;
            bool inside = chunk < chunks;
            ahead[c][0] = inside && upper < tokens ? load_four(upper_row + chunk * CHUNK) : make_uint2(0, 0);
            ahead[c][1] = inside && upper + TILE < tokens ? load_four(lower_row + chunk * CHUNK) : make_uint2(0, 0);
        }
    };
    auto ask_for_weights = [&](int round) {
        unsigned* stage = stages + round % 2 * STAGE;
        for (int c = 0; c < SLICES * CHUNKS; c++) {
            int chunk = round * SLICES * CHUNKS + c;
            int end = chunk < chunks ? (chunk + 1) * across : 0;
            ask_for_tiles(stage + c * TILES * TILE_WORDS, tiles, chunk * across + first_tile, end, TILES);
        }
        copy_async_commit();
    };
    float sums[TILES][4] = {};
    ask_for_weights(0);
    ask_for_rows(0);
    for (int round = 0; round < rounds; round++) {
        uint2 rows[CHUNKS][2];
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            rows[c][0] = ahead[c][0];
            rows[c][1] = ahead[c][1];
        }
        if (round + 1 < rounds) {
            ask_for_weights(round + 1);
            ask_for_rows(round + 1);
            copy_async_wait<1>();
        } else {
            copy_async_wait<0>();
        }
        __syncthreads();
        const unsigned* own = stages + round % 2 * STAGE + slice * CHUNKS * TILES * TILE_WORDS;
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            unsigned a[PARTS][4];
            int column = ((round * SLICES + slice) * CHUNKS + c) * CHUNK;
            split_rows(
                jitter.seen(rows[c][0], upper_number + column), jitter.seen(rows[c][1], lower_number + column), a);
#pragma unroll
            for (int tile = 0; tile < TILES; tile++) {
                unsigned b[PARTS][2];
                load_tile(own + (c * TILES + tile) * TILE_WORDS, b);
                multiply_parts(sums[tile], a, b);
            }
        }
        __syncthreads();
    }
    // [SLICES][ROWS][TILES * 8]
    float* gathered = reinterpret_cast<float*>(stages);
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = group * CHUNK + lane / 4 + i / 2 * TILE;
            gathered[(slice * ROWS + row) * (TILES * TILE) + tile * TILE + lane % 4 * 2 + i % 2] = sums[tile][i];
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < ROWS * TILES * TILE; i += THREADS) {
        int row = blockIdx.x * ROWS + i / (TILES * TILE);
        int expert = first_tile * TILE + i % (TILES * TILE);
        float sum = 0.0f;
#pragma unroll
        for (int k = 0; k < SLICES; k++) {
            sum += gathered[k * ROWS * TILES * TILE + i];
        }
        if (row < tokens && expert < experts) {
            logits[static_cast<long long>(row) * experts + expert] = sum;
        }
    }
}

#define ROUTER_LOGITS_PARAMETERS                                                                                       \
    const bf16 *x, Dropout noise, float low, float span, const unsigned *tiles, float *logits, int tokens,             \
        int experts, int width
#define ROUTER_LOGITS_ARGUMENTS x, Jitter{noise, low, span}, tiles, logits, tokens, experts, width

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_logits_64(ROUTER_LOGITS_PARAMETERS) {
    router_logits<8, 2>(ROUTER_LOGITS_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_logits_8(ROUTER_LOGITS_PARAMETERS) {
    router_logits<1, 2>(ROUTER_LOGITS_ARGUMENTS);
}

// Of few tokens
extern "C" __global__ void __launch_bounds__(THREADS, 2) router_logits_64_few(ROUTER_LOGITS_PARAMETERS) {
    router_logits<8, 4>(ROUTER_LOGITS_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_logits_8_few(ROUTER_LOGITS_PARAMETERS) {
    router_logits<1, 4>(ROUTER_LOGITS_ARGUMENTS);
}

// dx [tokens, width] += jitter * (d_logits [tokens, experts] w). A block takes 16 tokens a warp and 64 columns; experts are whole fours.
// N parts of each factor: two hold 16 bits, twice as many as the result keeps.
constexpr int COLUMN_TILES = 8;
constexpr int EXPERT_CHUNKS = 4;

template <int N>
__device__ __forceinline__ void router_input_gradient(
    const float* d_logits,
    const unsigned* tiles,
    const Jitter& jitter,
    bf16* dx,
    int tokens,
    int experts,
    int width) {
    __shared__ __align__(16) unsigned weights[EXPERT_CHUNKS * COLUMN_TILES * TILE_WORDS];
    int lane = threadIdx.x % WARP;
    int across = width / TILE;
    int first_tile = blockIdx.y * COLUMN_TILES;
    int chunks = (experts + CHUNK - 1) / CHUNK;
    int upper = (blockIdx.x * WARPS + threadIdx.x / WARP) * CHUNK + lane / 4;
    float sums[COLUMN_TILES][4] = {};
    for (int first = 0; first < chunks; first += EXPERT_CHUNKS) {
        int count = min(EXPERT_CHUNKS, chunks - first);
        for (int c = 0; c < count; c++) {
            int row = (first + c) * across;
            ask_for_tiles(
                weights + c * COLUMN_TILES * TILE_WORDS, tiles, row + first_tile, row + across, COLUMN_TILES);
        }
        copy_async_commit();
        uint4 rows[EXPERT_CHUNKS][2];
#pragma unroll
        for (int c = 0; c < EXPERT_CHUNKS; c++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int token = upper + half * TILE;
                int expert = (first + c) * CHUNK + lane % 4 * 4;
                rows[c][half] = token < tokens && expert < experts
                                    ? load16(d_logits + static_cast<long long>(token) * experts + expert)
                                    : make_uint4(0, 0, 0, 0);
            }
        }
        copy_async_wait<0>();
        __syncthreads();
#pragma unroll
        for (int c = 0; c < EXPERT_CHUNKS; c++) {
            if (c < count) {
                unsigned a[N][4];
                split_rows(rows[c][0], rows[c][1], a);
#pragma unroll
                for (int tile = 0; tile < COLUMN_TILES; tile++) {
                    unsigned b[N][2];
                    load_tile(weights + (c * COLUMN_TILES + tile) * TILE_WORDS, b);
                    multiply_parts(sums[tile], a, b);
                }
            }
        }
        __syncthreads();
    }
    // Two lanes have two columns each of four that share a block of random numbers: one makes those of the upper row, the
    // other those of the lower one.
    bool odd = lane % 2 != 0;
    int maker = upper + (odd ? TILE : 0);
#pragma unroll
    for (int tile = 0; tile < COLUMN_TILES; tile++) {
        int column = (first_tile + tile) * TILE + lane % 4 * 2;
        float2 factors[2] = {make_float2(1.0f, 1.0f), make_float2(1.0f, 1.0f)};
        if (jitter.numbers.active()) {
            float4 made = jitter.four(jitter.numbers.element(0, maker, width) + (column & ~3));
            float2 first = make_float2(made.x, made.y);
            float2 second = make_float2(made.z, made.w);
            float2 given = odd ? first : second;
            float2 taken = make_float2(
                __shfl_xor_sync(ALL_LANES, given.x, 1), __shfl_xor_sync(ALL_LANES, given.y, 1));
            factors[0] = odd ? taken : first;
            factors[1] = odd ? second : taken;
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int token = upper + half * TILE;
            if (token < tokens && column < width) {
                unsigned* at = reinterpret_cast<unsigned*>(dx + static_cast<long long>(token) * width + column);
                unsigned before = *at;
                *at = pack_bf16(
                    low_bf16(before) + sums[tile][2 * half] * factors[half].x,
                    high_bf16(before) + sums[tile][2 * half + 1] * factors[half].y);
            }
        }
    }
}

#define ROUTER_INPUT_GRADIENT_PARAMETERS                                                                               \
    const float *d_logits, const unsigned *tiles, Dropout noise, float low, float span, bf16 *dx, int tokens,          \
        int experts, int width
#define ROUTER_INPUT_GRADIENT_ARGUMENTS d_logits, tiles, Jitter{noise, low, span}, dx, tokens, experts, width

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_input_gradient_2(ROUTER_INPUT_GRADIENT_PARAMETERS) {
    router_input_gradient<2>(ROUTER_INPUT_GRADIENT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_input_gradient_3(ROUTER_INPUT_GRADIENT_PARAMETERS) {
    router_input_gradient<3>(ROUTER_INPUT_GRADIENT_ARGUMENTS);
}

// Partial sums [slices, experts, width] of d_logits^T x, each over `slice_tokens` tokens, whole 64s. A block takes EXPERTS
// experts and 64 columns: two of its warps half of the columns each, for one of four quarters of every 64 tokens.
constexpr int STRIPS = 2;
constexpr int SHARES = WARPS / STRIPS;
constexpr int STRIP_TILES = 4;
constexpr int BLOCK_COLUMNS = STRIPS * STRIP_TILES * TILE;
// Lanes of a warp read four rows at once: eight banks from one to the next.
constexpr int PADDING = 8;

template <int EXPERTS>
__device__ __forceinline__ void router_weight_gradient(
    const float* d_logits,
    const bf16* x,
    const Jitter& jitter,
    float* partials,
    int tokens,
    int experts,
    int width,
    int slice_tokens) {
    constexpr int MATRICES = (EXPERTS + CHUNK - 1) / CHUNK;
    constexpr int EXPERT_ROW = EXPERTS < WARP ? WARP + PADDING : EXPERTS + PADDING;
    constexpr int COLUMN_ROW = BLOCK_COLUMNS + PADDING;
    constexpr int ROUND_TOKENS = SHARES * CHUNK;
    constexpr int STAGE = ROUND_TOKENS * (EXPERT_ROW + COLUMN_ROW);
    DYNAMIC_SHARED(float, stages);
    int lane = threadIdx.x % WARP;
    int strip = threadIdx.x / WARP % STRIPS;
    int share = threadIdx.x / WARP / STRIPS;
    int first_column = blockIdx.x * BLOCK_COLUMNS;
    int first_expert = blockIdx.z * EXPERTS;
    int from = blockIdx.y * slice_tokens;
    int end = min(tokens, from + slice_tokens);
    int rounds = (end - from + ROUND_TOKENS - 1) / ROUND_TOKENS;
    // Fours of columns that a thread brings
    constexpr int FOURS = ROUND_TOKENS * BLOCK_COLUMNS / 4 / THREADS;
    uint2 ahead[FOURS];
    auto ask = [&](int round) {
        float* stage = stages + round % 2 * STAGE;
        int first = from + round * ROUND_TOKENS;
        for (int i = threadIdx.x; i < ROUND_TOKENS * EXPERTS / 4; i += THREADS) {
            int token = first + i / (EXPERTS / 4);
            int number = i % (EXPERTS / 4) * 4;
            bool inside = token < end && first_expert + number < experts;
            const float* at = d_logits + (inside ? static_cast<long long>(token) * experts + first_expert + number : 0);
            copy_async16(stage + i / (EXPERTS / 4) * EXPERT_ROW + number, at, inside ? 16 : 0);
        }
        copy_async_commit();
#pragma unroll
        for (int k = 0; k < FOURS; k++) {
            int i = threadIdx.x + k * THREADS;
            int token = first + i / (BLOCK_COLUMNS / 4);
            int column = first_column + i % (BLOCK_COLUMNS / 4) * 4;
            ahead[k] = token < end && column < width ? load_four(x + static_cast<long long>(token) * width + column)
                                                     : make_uint2(0, 0);
        }
    };
    // What was asked for, as the router sees it
    auto put = [&](int round) {
        float* stage = stages + round % 2 * STAGE + ROUND_TOKENS * EXPERT_ROW;
#pragma unroll
        for (int k = 0; k < FOURS; k++) {
            int i = threadIdx.x + k * THREADS;
            int place = i / (BLOCK_COLUMNS / 4);
            int column = i % (BLOCK_COLUMNS / 4) * 4;
            unsigned long long number =
                jitter.numbers.element(0, from + round * ROUND_TOKENS + place, width) + first_column + column;
            store16(stage + place * COLUMN_ROW + column, jitter.seen(ahead[k], number));
        }
    };
    float sums[MATRICES][STRIP_TILES][4] = {};
    if (rounds > 0) {
        ask(0);
        put(0);
    }
    for (int round = 0; round < rounds; round++) {
        if (round + 1 < rounds) {
            ask(round + 1);
            copy_async_wait<1>();
        } else {
            copy_async_wait<0>();
        }
        __syncthreads();
        const float* stage = stages + round % 2 * STAGE;
        // A lane's tokens of the sixteen: its quarter's of every four.
        const float* of_experts = stage + (share * CHUNK + lane % 4) * EXPERT_ROW + lane / 4;
        const float* of_columns = stage + ROUND_TOKENS * EXPERT_ROW + (share * CHUNK + lane % 4) * COLUMN_ROW +
                                  strip * STRIP_TILES * TILE + lane / 4;
        unsigned b[STRIP_TILES][PARTS][2];
#pragma unroll
        for (int tile = 0; tile < STRIP_TILES; tile++) {
            unsigned parts[2][PARTS];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float* at = of_columns + half * 8 * COLUMN_ROW + tile * TILE;
                split_pair(at[0], at[4 * COLUMN_ROW], parts[half]);
            }
#pragma unroll
            for (int i = 0; i < PARTS; i++) {
                b[tile][i][0] = parts[0][i];
                b[tile][i][1] = parts[1][i];
            }
        }
#pragma unroll
        for (int matrix = 0; matrix < MATRICES; matrix++) {
            unsigned parts[4][PARTS];
#pragma unroll
            for (int k = 0; k < 4; k++) {
                // Upper and lower rows of the first half of the tokens, then of the second
                const float* at = of_experts + k / 2 * 8 * EXPERT_ROW + matrix * CHUNK + k % 2 * TILE;
                bool there = matrix * CHUNK + k % 2 * TILE < EXPERTS;
                split_pair(there ? at[0] : 0.0f, there ? at[4 * EXPERT_ROW] : 0.0f, parts[k]);
            }
            unsigned a[PARTS][4];
#pragma unroll
            for (int i = 0; i < PARTS; i++) {
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    a[i][k] = parts[k][i];
                }
            }
#pragma unroll
            for (int tile = 0; tile < STRIP_TILES; tile++) {
                multiply_parts(sums[matrix][tile], a, b[tile]);
            }
        }
        if (round + 1 < rounds) {
            put(round + 1);
        }
        __syncthreads();
    }
    // [SHARES][MATRICES * 16][BLOCK_COLUMNS]
#pragma unroll
    for (int matrix = 0; matrix < MATRICES; matrix++) {
#pragma unroll
        for (int tile = 0; tile < STRIP_TILES; tile++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int expert = matrix * CHUNK + lane / 4 + i / 2 * TILE;
                int column = (strip * STRIP_TILES + tile) * TILE + lane % 4 * 2 + i % 2;
                stages[(share * MATRICES * CHUNK + expert) * BLOCK_COLUMNS + column] = sums[matrix][tile][i];
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < EXPERTS * BLOCK_COLUMNS; i += THREADS) {
        int expert = first_expert + i / BLOCK_COLUMNS;
        int column = first_column + i % BLOCK_COLUMNS;
        float sum = 0.0f;
#pragma unroll
        for (int k = 0; k < SHARES; k++) {
            sum += stages[k * MATRICES * CHUNK * BLOCK_COLUMNS + i];
        }
        if (expert < experts && column < width) {
            partials[(static_cast<long long>(blockIdx.y) * experts + expert) * width + column] = sum;
        }
    }
}

#define ROUTER_WEIGHT_GRADIENT_PARAMETERS                                                                              \
    const float *d_logits, const bf16 *x, Dropout noise, float low, float span, float *partials, int tokens,          \
        int experts, int width, int slice_tokens
#define ROUTER_WEIGHT_GRADIENT_ARGUMENTS                                                                               \
    d_logits, x, Jitter{noise, low, span}, partials, tokens, experts, width, slice_tokens

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_weight_gradient_64(ROUTER_WEIGHT_GRADIENT_PARAMETERS) {
    router_weight_gradient<64>(ROUTER_WEIGHT_GRADIENT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) router_weight_gradient_8(ROUTER_WEIGHT_GRADIENT_PARAMETERS) {
    router_weight_gradient<8>(ROUTER_WEIGHT_GRADIENT_ARGUMENTS);
}

// target (+)= the sum of `count` arrays of n numbers.
extern "C" __global__ void router_sums(const float* partials, int count, float* target, int n, int add) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float sum = 0.0f;
#pragma unroll 8
        for (int k = 0; k < count; k++) {
            sum += partials[static_cast<long long>(k) * n + i];
        }
        target[i] = add != 0 ? target[i] + sum : sum;
    }
}
