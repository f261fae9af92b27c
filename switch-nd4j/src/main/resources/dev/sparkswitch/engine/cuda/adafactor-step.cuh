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
};

__device__ __forceinline__ float sum_of_squares(const float (&x)[COLUMNS]) {
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        sum += x[i] * x[i];
    }
    return sum;
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
