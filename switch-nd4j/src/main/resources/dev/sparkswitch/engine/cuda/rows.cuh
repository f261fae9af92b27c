// Rows of any width and alignment, eight columns a thread, and teams of threads that own a row together.

constexpr int COLUMNS = 8;

// Columns `column` to `column + 7` of a row; those past its end are 0.
template <class T>
__device__ __forceinline__ void load_columns(const T* row, int column, int width, float (&x)[COLUMNS]) {
    if (column + COLUMNS <= width && is_aligned(row + column, 16)) {
        load8(row + column, x);
    } else {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            x[i] = column + i < width ? to_float(row[column + i]) : 0.0f;
        }
    }
}

template <class T>
__device__ __forceinline__ void store_columns(T* row, int column, int width, const float (&x)[COLUMNS]) {
    if (column + COLUMNS <= width && is_aligned(row + column, 16)) {
        store8(row + column, x);
    } else {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            if (column + i < width) {
                store(row + column + i, x[i]);
            }
        }
    }
}

// Eight columns as they lie in memory: whoever asks for them waits when it takes them apart.
struct RowWords {
    uint4 words[sizeof(compute_t) / 2];
};

// Rows that are WIDE begin at multiples of 16 bytes and are whole eights long.
template <bool WIDE>
__device__ __forceinline__ RowWords row_words(const compute_t* row, int column, int width) {
    RowWords all;
    if (WIDE || (column + COLUMNS <= width && is_aligned(row + column, 16))) {
        all.words[0] = load16(row + column);
#ifndef COMPUTE_BF16
        all.words[1] = load16(row + column + COLUMNS / 2);
#endif
        return all;
    }
    unsigned bits[COLUMNS];
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        bits[i] = column + i < width ? __float_as_uint(to_float(row[column + i])) : 0;
    }
#ifdef COMPUTE_BF16
    // The low halves are 0.
    all.words[0] = make_uint4(
        bits[0] >> 16 | bits[1], bits[2] >> 16 | bits[3], bits[4] >> 16 | bits[5], bits[6] >> 16 | bits[7]);
#else
    all.words[0] = make_uint4(bits[0], bits[1], bits[2], bits[3]);
    all.words[1] = make_uint4(bits[4], bits[5], bits[6], bits[7]);
#endif
    return all;
}

__device__ __forceinline__ void row_values(const RowWords& all, float (&x)[COLUMNS]) {
#ifdef COMPUTE_BF16
    x[0] = low_bf16(all.words[0].x);
    x[1] = high_bf16(all.words[0].x);
    x[2] = low_bf16(all.words[0].y);
    x[3] = high_bf16(all.words[0].y);
    x[4] = low_bf16(all.words[0].z);
    x[5] = high_bf16(all.words[0].z);
    x[6] = low_bf16(all.words[0].w);
    x[7] = high_bf16(all.words[0].w);
#else
    x[0] = __uint_as_float(all.words[0].x);
    x[1] = __uint_as_float(all.words[0].y);
    x[2] = __uint_as_float(all.words[0].z);
    x[3] = __uint_as_float(all.words[0].w);
    x[4] = __uint_as_float(all.words[1].x);
    x[5] = __uint_as_float(all.words[1].y);
    x[6] = __uint_as_float(all.words[1].z);
    x[7] = __uint_as_float(all.words[1].w);
#endif
}

template <bool WIDE>
__device__ __forceinline__ void store_row_words(compute_t* row, int column, int width, const float (&x)[COLUMNS]) {
    if (WIDE) {
        store8(row + column, x);
    } else {
        store_columns(row, column, width, x);
    }
}

// The same of a parameter; both halves have the same alignment.
__device__ __forceinline__ void load_master(
    const master_t* high, const rest_t* low, int column, int width, float (&x)[COLUMNS]) {
    if (column + COLUMNS <= width && is_aligned(high + column, 16)) {
        master_load8(high, low, column, x);
    } else {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            x[i] = column + i < width ? master_load(high, low, column + i) : 0.0f;
        }
    }
}

__device__ __forceinline__ void store_master(
    master_t* high, rest_t* low, int column, int width, const float (&x)[COLUMNS]) {
    if (column + COLUMNS <= width && is_aligned(high + column, 16)) {
        master_store8(high, low, column, x);
    } else {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            if (column + i < width) {
                master_store(high, low, column + i, x[i]);
            }
        }
    }
}

// The random words of elements `first` to `first + 7`. A row whose width is no multiple of 4 begins inside a block of four.
__device__ __forceinline__ void random_words(
    const Dropout& numbers, unsigned long long first, unsigned (&words)[COLUMNS]) {
    uint4 a = numbers.source.words(first >> 2);
    uint4 b = numbers.source.words((first >> 2) + 1);
    words[0] = a.x;
    words[1] = a.y;
    words[2] = a.z;
    words[3] = a.w;
    words[4] = b.x;
    words[5] = b.y;
    words[6] = b.z;
    words[7] = b.w;
    int skipped = static_cast<int>(first & 3);
    if (skipped != 0) {
        uint4 c = numbers.source.words((first >> 2) + 2);
        unsigned all[COLUMNS + 4] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w, c.x, c.y, c.z, c.w};
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            words[i] = skipped == 1 ? all[i + 1] : skipped == 2 ? all[i + 2] : all[i + 3];
        }
    }
}

// The random word of one element.
__device__ __forceinline__ unsigned random_word(const Dropout& numbers, unsigned long long element) {
    uint4 four = numbers.source.words(element >> 2);
    switch (element & 3) {
        case 0:
            return four.x;
        case 1:
            return four.y;
        case 2:
            return four.z;
        default:
            return four.w;
    }
}

// The slots of each expert in a group: `most` of each, or of its own where experts have different sizes.
struct Capacity {
    int most;
    const int* of_expert;

    __device__ __forceinline__ int of(int expert) const {
        return of_expert == nullptr ? most : of_expert[expert];
    }
};

// What a token's order of experts goes by: the probability, or its logarithm with a Gumbel number (engine.Sampling).
__device__ __forceinline__ float preference(float p, const Dropout& sampling, long long token, int experts, int expert) {
    if (!sampling.active()) {
        return p;
    }
    unsigned word = random_word(sampling, sampling.element(0, token, experts) + expert);
    double gumbel = -log(-log((word + 0.5) * (1.0 / 4294967296.0)));
    return static_cast<float>(log(static_cast<double>(p)) + gumbel);
}

// x *= the dropout's factors of elements `first` to `first + 7`; `first` is a multiple of 8 where rows are WIDE.
template <bool WIDE = false>
__device__ __forceinline__ void drop(float (&x)[COLUMNS], const Dropout& dropout, unsigned long long first) {
    if (dropout.active()) {
        uint4 words = dropout.eight(first, WIDE || (first & 7) == 0);
        const unsigned pairs[COLUMNS / 2] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int i = 0; i < COLUMNS / 2; i++) {
            x[2 * i] *= dropout.keeps_low(pairs[i]) ? dropout.scale : 0.0f;
            x[2 * i + 1] *= dropout.keeps_high(pairs[i]) ? dropout.scale : 0.0f;
        }
    }
}

// The sum over the threads of a team, which is `team` / 32 whole warps of the block; every team of the block calls it
// together. `sums` holds one number a warp; a second call needs another one, or a barrier before.
__device__ __forceinline__ float team_sum(float x, int team, float* sums) {
    x = warp_sum(x);
    if (team == WARP) {
        return x;
    }
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) {
        sums[warp] = x;
    }
    __syncthreads();
    int warps = team / WARP;
    int first = warp / warps * warps;
    float sum = 0.0f;
    for (int i = 0; i < warps; i++) {
        sum += sums[first + i];
    }
    return sum;
}
