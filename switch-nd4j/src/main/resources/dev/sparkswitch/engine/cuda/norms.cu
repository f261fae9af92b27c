// The residual stream: addition with dropout and T5's layer norm, and their gradients. A team of threads owns a row, each
// thread eight columns of it, so that a row is read once.

extern "C" __global__ void add_norm(
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
    for (int first = blockIdx.x * teams; first < rows; first += gridDim.x * teams) {
        int row = first + threadIdx.x / team;
        bool mine = row < rows && column < width;
        long long at = static_cast<long long>(row) * width;
        float x[COLUMNS] = {};
        if (mine) {
            load_columns(h + at, column, width, x);
            if (delta != nullptr) {
                float change[COLUMNS];
                load_columns(delta + at, column, width, change);
                drop(change, dropout, dropout.element(0, row, width) + column);
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    // The backward pass sees the stored sum: normalise that one.
                    x[i] = rounded(x[i] + change[i]);
                }
                store_columns(sum + at, column, width, x);
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
            store_columns(normalized + at, column, width, x);
            if (column == 0) {
                inverse_rms[row] = inverse;
            }
        }
    }
}

// d_sum += the gradient through the norm; d_delta = dropout(d_sum), where there is one; partials [blocks, width] = sums of the weight's gradient over a block's rows.
extern "C" __global__ void __launch_bounds__(1024) add_norm_backward(
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
    for (int first = blockIdx.x * teams; first < rows; first += gridDim.x * teams) {
        int row = first + threadIdx.x / team;
        bool mine = row < rows && column < width;
        long long at = static_cast<long long>(row) * width;
        float x[COLUMNS] = {};
        float gradient[COLUMNS] = {};
        float stream[COLUMNS] = {};
        float inverse = 0.0f;
        if (mine) {
            load_columns(sum + at, column, width, x);
            load_columns(d_normalized + at, column, width, gradient);
            load_columns(d_sum + at, column, width, stream);
            inverse = inverse_rms[row];
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
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                stream[i] = rounded(stream[i] + inverse * (gradient[i] - x[i] * projection));
            }
            store_columns(d_sum + at, column, width, stream);
            if (d_delta != nullptr) {
                drop(stream, dropout, dropout.element(0, row, width) + column);
                store_columns(d_delta + at, column, width, stream);
            }
        }
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
