// The residual stream: addition with dropout and T5's layer norm, and their gradients. A team of threads owns a row, each
// thread eight columns of it, so that a row is read once; it asks for its next row before it begins with one.

// Threads of a block whose rows are wide: so many registers are left for what is under way.
constexpr int WIDE_THREADS = 384;

template <bool WIDE>
__device__ __forceinline__ void sum_and_norm(
    const compute_t* h,
    const compute_t* delta,
    Dropout dropout,
    const master_t* weight,
    const rest_t* weight_rest,
    float epsilon,
    compute_t* sum,
    compute_t* normalized,
    float* inverse_rms,
    int rows,
    int width,
    int team) {
    __shared__ float sums[2][WARP];
    int teams = blockDim.x / team;
    int column = threadIdx.x % team * COLUMNS;
    float scale[COLUMNS];
    load_master(weight, weight_rest, column, width, scale);
    int turn = 0;
    int row = blockIdx.x * teams + threadIdx.x / team;
    RowWords stream_ahead = {};
    RowWords change_ahead = {};
    if (row < rows && column < width) {
        long long at = static_cast<long long>(row) * width;
        stream_ahead = row_words<WIDE>(h + at, column, width);
        if (delta != nullptr) {
            change_ahead = row_words<WIDE>(delta + at, column, width);
        }
    }
    for (int first = blockIdx.x * teams; first < rows; first += gridDim.x * teams) {
        bool mine = row < rows && column < width;
        long long at = static_cast<long long>(row) * width;
        RowWords stream_words = stream_ahead;
        RowWords change_words = change_ahead;
        int next = row + gridDim.x * teams;
        if (next < rows && column < width) {
            long long after = static_cast<long long>(next) * width;
            stream_ahead = row_words<WIDE>(h + after, column, width);
            if (delta != nullptr) {
                change_ahead = row_words<WIDE>(delta + after, column, width);
            }
        }
        float x[COLUMNS] = {};
        if (mine) {
            row_values(stream_words, x);
            if (delta != nullptr) {
                float change[COLUMNS];
                row_values(change_words, change);
                drop<WIDE>(change, dropout, dropout.element(0, row, width) + column);
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    // The backward pass sees the stored sum: normalise that one.
                    x[i] = rounded(x[i] + change[i]);
                }
                store_row_words<WIDE>(sum + at, column, width, x);
            }
        }
        float squares = 0.0f;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            squares += x[i] * x[i];
        }
        squares = team_sum(squares, team, sums[turn]);
        turn ^= 1;
        float inverse = 1.0f / sqrtf(squares / width + epsilon);
        if (mine) {
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                x[i] *= inverse * scale[i];
            }
            store_row_words<WIDE>(normalized + at, column, width, x);
            if (column == 0) {
                inverse_rms[row] = inverse;
            }
        }
        row = next;
    }
}

#define ADD_NORM_PARAMETERS                                                                                            \
    const compute_t *h, const compute_t *delta, Dropout dropout, const master_t *weight, const rest_t *weight_rest,   \
        float epsilon, compute_t *sum, compute_t *normalized, float *inverse_rms, int rows, int width, int team
#define ADD_NORM_ARGUMENTS                                                                                             \
    h, delta, dropout, weight, weight_rest, epsilon, sum, normalized, inverse_rms, rows, width, team

extern "C" __global__ void __launch_bounds__(1024) add_norm(ADD_NORM_PARAMETERS) {
    sum_and_norm<false>(ADD_NORM_ARGUMENTS);
}

// Where all rows begin at multiples of 16 bytes and are whole eights long.
extern "C" __global__ void __launch_bounds__(WIDE_THREADS, 3) add_norm_wide(ADD_NORM_PARAMETERS) {
    sum_and_norm<true>(ADD_NORM_ARGUMENTS);
}

// d_sum += the gradient through the norm; d_delta = dropout(d_sum), where there is one; partials [blocks, width] = sums of the weight's gradient over a block's rows.
template <bool WIDE>
__device__ __forceinline__ void norm_gradient(
    const compute_t* d_normalized,
    compute_t* d_sum,
    const compute_t* sum,
    const float* inverse_rms,
    const master_t* weight,
    const rest_t* weight_rest,
    Dropout dropout,
    compute_t* d_delta,
    float* partials,
    int rows,
    int width,
    int team) {
    __shared__ float sums[2][WARP];
    DYNAMIC_SHARED(float, gathered);
    int teams = blockDim.x / team;
    int column = threadIdx.x % team * COLUMNS;
    float scale[COLUMNS];
    load_master(weight, weight_rest, column, width, scale);
    float total[COLUMNS] = {};
    int turn = 0;
    int row = blockIdx.x * teams + threadIdx.x / team;
    RowWords sum_ahead = {};
    RowWords gradient_ahead = {};
    RowWords stream_ahead = {};
    float inverse_ahead = 0.0f;
    if (row < rows && column < width) {
        long long at = static_cast<long long>(row) * width;
        sum_ahead = row_words<WIDE>(sum + at, column, width);
        gradient_ahead = row_words<WIDE>(d_normalized + at, column, width);
        stream_ahead = row_words<WIDE>(d_sum + at, column, width);
        inverse_ahead = inverse_rms[row];
    }
    for (int first = blockIdx.x * teams; first < rows; first += gridDim.x * teams) {
        bool mine = row < rows && column < width;
        long long at = static_cast<long long>(row) * width;
        float inverse = mine ? inverse_ahead : 0.0f;
        float x[COLUMNS] = {};
        float gradient[COLUMNS] = {};
        if (mine) {
            row_values(sum_ahead, x);
            row_values(gradient_ahead, gradient);
        }
        RowWords stream_words = stream_ahead;
        int next = row + gridDim.x * teams;
        if (next < rows && column < width) {
            long long after = static_cast<long long>(next) * width;
            sum_ahead = row_words<WIDE>(sum + after, column, width);
            gradient_ahead = row_words<WIDE>(d_normalized + after, column, width);
            stream_ahead = row_words<WIDE>(d_sum + after, column, width);
            inverse_ahead = inverse_rms[next];
        }
        float projection = 0.0f;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            x[i] *= inverse;
            total[i] += gradient[i] * x[i];
            gradient[i] *= scale[i];
            projection += gradient[i] * x[i];
        }
        // d(x / rms) = (g - n * mean(g * n)) / rms with n the normalised row
        projection = team_sum(projection, team, sums[turn]) / width;
        turn ^= 1;
        if (mine) {
            float stream[COLUMNS];
            row_values(stream_words, stream);
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                stream[i] = rounded(stream[i] + inverse * (gradient[i] - x[i] * projection));
            }
            store_row_words<WIDE>(d_sum + at, column, width, stream);
            if (d_delta != nullptr) {
                drop<WIDE>(stream, dropout, dropout.element(0, row, width) + column);
                store_row_words<WIDE>(d_delta + at, column, width, stream);
            }
        }
        row = next;
    }
    // [teams][team * 8], a team's columns one after the other
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        gathered[threadIdx.x + i * blockDim.x] = total[i];
    }
    __syncthreads();
    if (threadIdx.x < team) {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            total[i] = 0.0f;
            for (int t = 0; t < teams; t++) {
                total[i] += gathered[threadIdx.x + t * team + i * blockDim.x];
            }
        }
        store_columns(partials + static_cast<long long>(blockIdx.x) * width, column, width, total);
    }
}

#define ADD_NORM_BACKWARD_PARAMETERS                                                                                   \
    const compute_t *d_normalized, compute_t *d_sum, const compute_t *sum, const float *inverse_rms,                  \
        const master_t *weight, const rest_t *weight_rest, Dropout dropout, compute_t *d_delta, float *partials,      \
        int rows, int width, int team
#define ADD_NORM_BACKWARD_ARGUMENTS                                                                                    \
    d_normalized, d_sum, sum, inverse_rms, weight, weight_rest, dropout, d_delta, partials, rows, width, team

extern "C" __global__ void __launch_bounds__(1024) add_norm_backward(ADD_NORM_BACKWARD_PARAMETERS) {
    norm_gradient<false>(ADD_NORM_BACKWARD_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WIDE_THREADS, 2) add_norm_backward_wide(ADD_NORM_BACKWARD_PARAMETERS) {
    norm_gradient<true>(ADD_NORM_BACKWARD_ARGUMENTS);
}

// target[c] (+)= sum of partials[:, c]; a block of 1024 threads takes 32 columns.
extern "C" __global__ void column_sums(const float* partials, int count, int width, float* target, int add) {
    __shared__ float sums[WARP][WARP + 1];
    int lane = threadIdx.x % WARP;
    int part = threadIdx.x / WARP;
    int column = blockIdx.x * WARP + lane;
    float sum = 0.0f;
    if (column < width) {
#pragma unroll 4
        for (int i = part; i < count; i += WARP) {
            sum += partials[static_cast<long long>(i) * width + column];
        }
    }
    sums[part][lane] = sum;
    __syncthreads();
    sum = warp_sum(sums[lane][part]);
    column = blockIdx.x * WARP + part;
    if (lane == 0 && column < width) {
        target[column] = add != 0 ? target[column] + sum : sum;
    }
}

// y = dropout(x), [rows, width].
extern "C" __global__ void drop_rows(
    const compute_t* x, Dropout dropout, compute_t* y, unsigned items, int width, int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned row = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        long long at = static_cast<long long>(row) * width;
        float values[COLUMNS];
        load_columns(x + at, column, width, values);
        drop(values, dropout, dropout.element(0, row, width) + column);
        store_columns(y + at, column, width, values);
    }
}
