// Copies, fills and moves of whole rows, which are exact.

// Sets n elements of as many bytes as U has.
template <class U>
__device__ __forceinline__ void fill(U* target, U value, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        target[i] = value;
    }
}

extern "C" __global__ void fill_16(unsigned short* target, int value, long long n) {
    fill(target, static_cast<unsigned short>(value), n);
}

extern "C" __global__ void fill_32(int* target, int value, long long n) { fill(target, value, n); }

extern "C" __global__ void fill_64(long long* target, long long value, long long n) { fill(target, value, n); }

// target += source.
template <class T>
__device__ __forceinline__ void add(const T* source, T* target, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        store(target + i, to_float(target[i]) + to_float(source[i]));
    }
}

extern "C" __global__ void add_float32(const float* source, float* target, long long n) { add(source, target, n); }

extern "C" __global__ void add_compute(const compute_t* source, compute_t* target, long long n) {
    add(source, target, n);
}

// float32 to and from split parameters, or adding to them.

extern "C" __global__ void split_float32(const float* source, bf16* high, rest_t* low, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        split(source[i], high[i], low[i]);
    }
}

extern "C" __global__ void add_to_split(const float* source, bf16* high, rest_t* low, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        split(join(high[i], low[i]) + source[i], high[i], low[i]);
    }
}

extern "C" __global__ void join_float32(const bf16* high, const rest_t* low, float* target, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        target[i] = join(high[i], low[i]);
    }
}

// target[r, :] = source[index[r], :] of rows of `width` units, where source rows lie source_stride units apart and target
// rows target_stride; without index source[r, :]. A row belongs to one x of the grid, shared by all y.
template <class U>
__device__ __forceinline__ void move_rows(
    const U* source, long long source_stride, U* target, long long target_stride, const int* index, long long width) {
    long long row = blockIdx.x;
    const U* from = source + (index == nullptr ? row : index[row]) * source_stride;
    U* to = target + row * target_stride;
    for (long long i = threadIdx.x + static_cast<long long>(blockIdx.y) * blockDim.x; i < width;
         i += static_cast<long long>(gridDim.y) * blockDim.x) {
        to[i] = from[i];
    }
}

extern "C" __global__ void move_rows_16(
    const unsigned short* source,
    long long source_stride,
    unsigned short* target,
    long long target_stride,
    const int* index,
    long long width) {
    move_rows(source, source_stride, target, target_stride, index, width);
}

extern "C" __global__ void move_rows_128(
    const uint4* source, long long source_stride, uint4* target, long long target_stride, const int* index, long long width) {
    move_rows(source, source_stride, target, target_stride, index, width);
}

// target [b, a, width] = source [a, b, width] with its first two axes turned.
template <class U>
__device__ __forceinline__ void swap_leading(const U* source, U* target, int a, int b, long long width) {
    long long row = blockIdx.x;
    const U* from = source + row * width;
    U* to = target + (row % b * a + row / b) * width;
    for (long long i = threadIdx.x + static_cast<long long>(blockIdx.y) * blockDim.x; i < width;
         i += static_cast<long long>(gridDim.y) * blockDim.x) {
        to[i] = from[i];
    }
}

extern "C" __global__ void swap_leading_16(const unsigned short* source, unsigned short* target, int a, int b, long long width) {
    swap_leading(source, target, a, b, width);
}

extern "C" __global__ void swap_leading_128(const uint4* source, uint4* target, int a, int b, long long width) {
    swap_leading(source, target, a, b, width);
}
