// The loss of a student that learns from data and teacher (engine.Engine.distillationGradient). A block takes a row: once
// through the student's and the teacher's numbers for all maxima and sums together, and once more for the gradient.

// The least finite number: unlike infinity it can be subtracted from itself.
constexpr float LOWEST = -3.402823466e38f;

// Spreads the probabilities of `choices` tokens over a row of the vocabulary.
extern "C" __global__ void __launch_bounds__(1024) spread_soft_targets(
    float* rows, long long stride, const int* ids, const float* probabilities, int choices, int vocabulary) {
    float* row = rows + blockIdx.x * stride;
    float zeros[COLUMNS] = {};
    for (int column = threadIdx.x * COLUMNS; column < vocabulary; column += blockDim.x * COLUMNS) {
        store_columns(row, column, vocabulary, zeros);
    }
    __syncthreads();
    long long first = static_cast<long long>(blockIdx.x) * choices;
    for (int i = threadIdx.x; i < choices; i += blockDim.x) {
        row[ids[first + i]] = probabilities[first + i];
    }
}

// `teacher` holds logits (LOGITS) or probabilities. The gradient is written over the student's logits: in bfloat16 that of
// element j takes bytes 2 j and 2 j + 1 of a row whose logits take bytes 4 j to 4 j + 3.
template <bool LOGITS>
__device__ __forceinline__ void distillation(
    float* logits,
    const float* teacher,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float soft_share,
    float temperature,
    float weight,
    float* losses) {
    float* row = logits + blockIdx.x * stride;
    const float* taught = teacher + blockIdx.x * stride;
    compute_t* gradient = reinterpret_cast<compute_t*>(row);
    int target = targets[blockIdx.x];
    int step = blockDim.x * COLUMNS;
    if (target < 0) {
        if (threadIdx.x == 0) {
            losses[blockIdx.x] = 0.0f;
        }
        float zeros[COLUMNS] = {};
        for (int column = threadIdx.x * COLUMNS; column < vocabulary; column += step) {
            store_columns(gradient, column, vocabulary, zeros);
        }
        return;
    }
    float cool = 1.0f / temperature;
    float most = LOWEST;
    float sum = 0.0f;
    float soft_sum = 0.0f;
    float all = 0.0f;
    float taught_most = LOWEST;
    // Of the teacher's weights, and of those times the student's logits.
    float mass = 0.0f;
    float product = 0.0f;
    for (int column = threadIdx.x * COLUMNS; column < vocabulary; column += step) {
        float x[COLUMNS];
        float y[COLUMNS];
        load_columns(row, column, vocabulary, x);
        load_columns(taught, column, vocabulary, y);
        float largest = most;
        float taught_largest = taught_most;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            if (column + i < vocabulary) {
                all += x[i];
                largest = fmaxf(largest, x[i]);
                taught_largest = fmaxf(taught_largest, y[i]);
            }
        }
        sum *= fast_exp(most - largest);
        soft_sum *= fast_exp((most - largest) * cool);
        most = largest;
        if (LOGITS) {
            float shrink = fast_exp((taught_most - taught_largest) * cool);
            mass *= shrink;
            product *= shrink;
            taught_most = taught_largest;
        }
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            if (column + i < vocabulary) {
                sum += fast_exp(x[i] - most);
                soft_sum += fast_exp((x[i] - most) * cool);
                float p = LOGITS ? fast_exp((y[i] - taught_most) * cool) : y[i];
                mass += p;
                product += p * x[i];
            }
        }
    }
    float wanted = row[target];
    float largest = block_max(most);
    sum = block_sum(sum * fast_exp(most - largest));
    soft_sum = block_sum(soft_sum * fast_exp((most - largest) * cool));
    float taught_largest = 0.0f;
    float taught_scale = 1.0f;
    if (LOGITS) {
        taught_largest = block_max(taught_most);
        float shrink = fast_exp((taught_most - taught_largest) * cool);
        float total = block_sum(mass * shrink);
        taught_scale = 1.0f / total;
        product = block_sum(product * shrink) * taught_scale;
        mass = 1.0f;
    } else {
        mass = block_sum(mass);
        product = block_sum(product);
    }
    float log_sum = largest + logf(sum);
    float soft_log_sum = largest * cool + logf(soft_sum);
    float hard_share = 1.0f - soft_share;
    wanted *= 1.0f - smoothing;
    if (smoothing > 0.0f) {
        wanted += smoothing * (block_sum(all) / vocabulary);
    }
    if (threadIdx.x == 0) {
        losses[blockIdx.x] = hard_share * (log_sum - wanted) + z_loss * log_sum * log_sum +
            soft_share * temperature * temperature * (mass * soft_log_sum - product * cool);
    }
    float slope = weight * (hard_share + 2.0f * z_loss * log_sum) / sum;
    float pull = weight * soft_share * temperature;
    float soft_slope = pull * mass / soft_sum;
    float taught_slope = pull * taught_scale;
    float share = weight * hard_share * smoothing / vocabulary;
    float of_target = weight * hard_share * (1.0f - smoothing);
    for (int first = 0; first < vocabulary; first += step) {
        int column = first + threadIdx.x * COLUMNS;
        float x[COLUMNS];
        float y[COLUMNS];
        load_columns(row, column, vocabulary, x);
        load_columns(taught, column, vocabulary, y);
        // What is written here may be another thread's logits of this turn, but of no later one.
        __syncthreads();
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            float p = LOGITS ? fast_exp((y[i] - taught_largest) * cool) : y[i];
            x[i] = slope * fast_exp(x[i] - largest) + soft_slope * fast_exp((x[i] - largest) * cool) -
                taught_slope * p - share - (column + i == target ? of_target : 0.0f);
        }
        store_columns(gradient, column, vocabulary, x);
    }
}

extern "C" __global__ void __launch_bounds__(1024) distillation_of_logits(
    float* logits,
    const float* teacher,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float soft_share,
    float temperature,
    float weight,
    float* losses) {
    distillation<true>(
        logits, teacher, stride, targets, vocabulary, smoothing, z_loss, soft_share, temperature, weight, losses);
}

extern "C" __global__ void __launch_bounds__(1024) distillation_of_probabilities(
    float* logits,
    const float* teacher,
    long long stride,
    const int* targets,
    int vocabulary,
    float smoothing,
    float z_loss,
    float soft_share,
    float temperature,
    float weight,
    float* losses) {
    distillation<false>(
        logits, teacher, stride, targets, vocabulary, smoothing, z_loss, soft_share, temperature, weight, losses);
}
