// Cross-entropy of rows of logits with label smoothing and z-loss. A block takes a row: once through it for the largest
// logit and the sum of exponentials together, and once more, from the second-level cache, for the gradient: two blocks of
// 1024 threads a multiprocessor have few enough rows under way for that.

// The least finite number: unlike infinity it can be subtracted from itself.
constexpr float LOWEST = -3.402823466e38f;

// Written over the logits themselves: in bfloat16 the gradient of element j takes bytes 2 j and 2 j + 1 of a row whose
// logits take bytes 4 j to 4 j + 3. Rows of logits are `stride` apart; the gradient's are as many bytes apart.
template <bool GRADIENT>
__device__ __forceinline__ void token_loss(
    float* logits,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float weight,
    float* losses) {
    float* row = logits + blockIdx.x * stride;
    compute_t* gradient = reinterpret_cast<compute_t*>(row);
    int target = targets[blockIdx.x];
    int step = blockDim.x * COLUMNS;
    if (target < 0) {
        if (threadIdx.x == 0) {
            losses[blockIdx.x] = 0.0f;
        }
        if (GRADIENT) {
            float zeros[COLUMNS] = {};
            for (int column = threadIdx.x * COLUMNS; column < vocabulary; column += step) {
                store_columns(gradient, column, vocabulary, zeros);
            }
        }
        return;
    }
    float most = LOWEST;
    float sum = 0.0f;
    float all = 0.0f;
    for (int column = threadIdx.x * COLUMNS; column < vocabulary; column += step) {
        float x[COLUMNS];
        load_columns(row, column, vocabulary, x);
        float largest = most;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            all += x[i];
            x[i] = column + i < vocabulary ? x[i] : LOWEST;
            largest = fmaxf(largest, x[i]);
        }
        sum *= fast_exp(most - largest);
        most = largest;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            sum += fast_exp(x[i] - most);
        }
    }
    float wanted = row[target];
    float largest = block_max(most);
    sum = block_sum(sum * fast_exp(most - largest));
    float log_sum = largest + logf(sum);
    wanted *= 1.0f - smoothing;
    if (smoothing > 0.0f) {
        wanted += smoothing * (block_sum(all) / vocabulary);
    }
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = log_sum - wanted + z_loss * log_sum * log_sum;
    }
    if (GRADIENT) {
        float slope = weight * (1.0f + 2.0f * z_loss * log_sum) / sum;
        float share = weight * smoothing / vocabulary;
        float of_target = weight * (1.0f - smoothing);
        for (int first = 0; first < vocabulary; first += step) {
            int column = first + threadIdx.x * COLUMNS;
            float x[COLUMNS];
            load_columns(row, column, vocabulary, x);
            // What is written here may be another thread's logits of this turn, but of no later one.
            __syncthreads();
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                x[i] = slope * fast_exp(x[i] - largest) - share - (column + i == target ? of_target : 0.0f);
            }
            store_columns(gradient, column, vocabulary, x);
        }
    }
}

extern "C" __global__ void __launch_bounds__(1024, 2) token_losses(
    float* logits,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float* losses) {
    token_loss<false>(logits, stride, targets, vocabulary, smoothing, z_loss, 0.0f, losses);
}

extern "C" __global__ void __launch_bounds__(1024, 2) token_loss_gradients(
    float* logits,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float weight,
    float* losses) {
    token_loss<true>(logits, stride, targets, vocabulary, smoothing, z_loss, weight, losses);
}
