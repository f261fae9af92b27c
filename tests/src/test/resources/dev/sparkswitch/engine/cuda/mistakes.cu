// Kernels for the test of the emulation, most of them wrong.

extern "C" __global__ void turned(int* numbers) {
    __shared__ int kept[64];
    kept[threadIdx.x] = static_cast<int>(threadIdx.x);
    __syncthreads();
    int other = kept[blockDim.x - 1 - threadIdx.x];
    numbers[threadIdx.x] = __shfl_xor_sync(ALL_LANES, other, 1);
}

extern "C" __global__ void leaves_early(int* numbers) {
    if (threadIdx.x == 5) {
        return;
    }
    __syncthreads();
    numbers[threadIdx.x] = 1;
}

extern "C" __global__ void two_barriers(int* numbers) {
    if (threadIdx.x < 32) {
        __syncthreads();
        numbers[threadIdx.x] = 1;
    } else {
        __syncthreads();
        numbers[threadIdx.x] = 2;
    }
}

extern "C" __global__ void missing_lane(int* numbers) {
    if (threadIdx.x % 2 == 0) {
        numbers[threadIdx.x] = __shfl_xor_sync(ALL_LANES, numbers[threadIdx.x], 2);
    }
}

extern "C" __global__ void beyond(int* numbers) { numbers[threadIdx.x + 1] = 1; }

extern "C" __global__ void misaligned(int* numbers) { numbers[threadIdx.x] = static_cast<int>(load16(numbers + 1).x); }

extern "C" __global__ void forgets_to_wait(int* numbers, int waits) {
    __shared__ __align__(16) int copy[4];
    numbers[threadIdx.x] = 1;
    __syncthreads();
    if (threadIdx.x == 0) {
        copy_async16(copy, numbers, 16);
        copy_async_commit();
        if (waits) {
            copy_async_wait<0>();
        }
    }
    __syncthreads();
    int found = copy[0];
    __syncthreads();
    numbers[threadIdx.x] = found;
}
