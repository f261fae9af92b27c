// The settings of a step of Adafactor, and accesses of which it knows that they are the last.

struct Step {
    float learning_rate;
    float decay;
    float fresh;
    float epsilon1;
    float epsilon2;
    float clip;
    // Whether the learning rate is relative to the values' root mean square
    int relative;
    // Whether their sums of squares are to be taken before they are used: nobody has kept them
    int measure;
    // Sums of squares of each tile's values (or of each block's part of a matrix), before and after this step
    float* value_squares;
    float* next_value_squares;
    // Of each of them, of the gradients; null where nobody asks
    float* gradient_squares;
};

__device__ __forceinline__ float sum_of_squares(const float (&x)[COLUMNS]) {
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        sum += x[i] * x[i];
    }
    return sum;
}

// Leaves the sum of a block's squared gradients under its number, where somebody asks for it.
__device__ __forceinline__ void keep_gradient_squares(const Step& step, long long number, float squares) {
    if (step.gradient_squares != nullptr) {
        squares = block_sum(squares);
        if (threadIdx.x == 0) {
            step.gradient_squares[number] = squares;
        }
    }
}

// The last access to something for this step: it need not stay in a cache.

__device__ __forceinline__ uint4 load16_last(const void* address) {
#ifdef SIMT_EMULATOR
    return load16(address);
#else
    uint4 x;
    asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "l"(address)
                 : "memory");
    return x;
#endif
}

__device__ __forceinline__ void store16_last(void* address, uint4 x) {
#ifdef SIMT_EMULATOR
    store16(address, x);
#else
    asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(x.x), "r"(x.y), "r"(x.z), "r"(x.w)
                 : "memory");
#endif
}

__device__ __forceinline__ void load8_last(const float* at, float (&x)[COLUMNS]) {
    uint4 first = load16_last(at);
    uint4 second = load16_last(at + 4);
    x[0] = __uint_as_float(first.x);
    x[1] = __uint_as_float(first.y);
    x[2] = __uint_as_float(first.z);
    x[3] = __uint_as_float(first.w);
    x[4] = __uint_as_float(second.x);
    x[5] = __uint_as_float(second.y);
    x[6] = __uint_as_float(second.z);
    x[7] = __uint_as_float(second.w);
}

__device__ __forceinline__ void load8_last(const bf16* at, float (&x)[COLUMNS]) {
    uint4 words = load16_last(at);
    x[0] = low_bf16(words.x);
    x[1] = high_bf16(words.x);
    x[2] = low_bf16(words.y);
    x[3] = high_bf16(words.y);
    x[4] = low_bf16(words.z);
    x[5] = high_bf16(words.z);
    x[6] = low_bf16(words.w);
    x[7] = high_bf16(words.w);
}
