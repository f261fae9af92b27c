// Sums of squares in float64, in an order that depends on the number of elements alone.

constexpr int THREADS = 256;

__device__ __forceinline__ double block_sum_double(double x) {
    __shared__ double sums[THREADS];
    sums[threadIdx.x] = x;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            sums[threadIdx.x] += sums[threadIdx.x + half];
        }
        __syncthreads();
    }
    return sums[0];
}

// partials[block] = sum over the block's share. x is split where there is a `rest`, else float32, or bfloat16 where `narrow`
// is 1.
extern "C" __global__ void sum_squares(const void* x, const rest_t* rest, int narrow, long long n, double* partials) {
    double sum = 0.0;
    long long step = static_cast<long long>(gridDim.x) * THREADS * COLUMNS;
    for (long long first = (static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x) * COLUMNS; first < n;
         first += step) {
        int width = static_cast<int>(min(static_cast<long long>(COLUMNS), n - first));
        float values[COLUMNS];
        if (rest != nullptr) {
            load_master(static_cast<const master_t*>(x) + first, rest + first, 0, width, values);
        } else if (narrow != 0) {
            load_columns(static_cast<const bf16*>(x) + first, 0, width, values);
        } else {
            load_columns(static_cast<const float*>(x) + first, 0, width, values);
        }
        float squares = 0.0f;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            squares += values[i] * values[i];
        }
        sum += squares;
    }
    sum = block_sum_double(sum);
    if (threadIdx.x == 0) {
        partials[blockIdx.x] = sum;
    }
}

// result = the sum of all partials; one block.
extern "C" __global__ void sum_partials(const double* partials, int count, double* result) {
    double sum = 0.0;
    for (int i = threadIdx.x; i < count; i += THREADS) {
        sum += partials[i];
    }
    sum = block_sum_double(sum);
    if (threadIdx.x == 0) {
        *result = sum;
    }
}

// result[place] = the sum of `count` partials from number `first` on; a block takes a slot. slots [.., 3]: first, count, place.
extern "C" __global__ void sum_slots(const float* partials, const int* slots, double* result) {
    const int* slot = slots + blockIdx.x * 3;
    double sum = 0.0;
    for (int i = threadIdx.x; i < slot[1]; i += THREADS) {
        sum += partials[slot[0] + i];
    }
    sum = block_sum_double(sum);
    if (threadIdx.x == 0) {
        result[slot[2]] = sum;
    }
}
