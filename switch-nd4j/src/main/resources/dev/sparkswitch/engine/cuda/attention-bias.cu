// Position biases: from the table of buckets to distances and back.

// bias[head, column] = table[bucket of the column's distance, head]; `buckets` is that of the distance of column 0.
extern "C" __global__ void relative_bias(
    const master_t* table, const rest_t* table_low, const int* buckets, float* bias, int heads, int columns) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int head = blockIdx.y;
    if (column < columns) {
        bias[static_cast<long long>(head) * columns + column] =
            master_load(table, table_low, static_cast<long long>(buckets[column]) * heads + head);
    }
}

// d_table[bucket, head] = (or += where `keep` is 1) the sum of the bucket's columns. A warp takes one of them.
extern "C" __global__ void relative_bias_gradient(
    const float* d_bias, const int* buckets, float* d_table, int heads, int columns, int keep) {
    int bucket = blockIdx.x;
    int head = blockIdx.y;
    float sum = 0;
    for (int column = threadIdx.x; column < columns; column += WARP) {
        if (buckets[column] == bucket) {
            sum += d_bias[static_cast<long long>(head) * columns + column];
        }
    }
    sum = warp_sum(sum);
    if (threadIdx.x == 0) {
        float* to = d_table + static_cast<long long>(bucket) * heads + head;
        *to = keep ? *to + sum : sum;
    }
}

// d_bias[head, column] += scale * the partial sums of all rows and groups of 32 queries, in their order. A block takes 32 columns of
// one head; its eight warps share the rows.
extern "C" __global__ void __launch_bounds__(256) sum_bias_partials(
    const float* partials, float* d_bias, int rows, int heads, int queries, int keys, int places,
    float scale) {
    __shared__ float sums[8][WARP];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int head = blockIdx.y;
    int column = blockIdx.x * WARP + lane;
    int parts = (queries + WARP - 1) / WARP;
    float sum = 0;
    for (int row = warp; row < rows; row += 8) {
        const float* of_row = partials + (static_cast<long long>(row) * heads + head) * parts * places;
        for (int part = 0; part < parts; part++) {
            int place = column - queries + 1 + WARP + WARP * part;
            if (place >= 0 && place < places) {
                sum += of_row[static_cast<long long>(part) * places + place];
            }
        }
    }
    sums[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && column < queries + keys - 1) {
        for (int i = 1; i < 8; i++) {
            sum += sums[i][lane];
        }
        d_bias[static_cast<long long>(head) * (queries + keys - 1) + column] += scale * sum;
    }
}

// deltas [rows, heads, queries] = the sum over columns of d_result * result, both [rows * queries, heads * head_size]. Eight
// threads take a query of a head.
extern "C" __global__ void __launch_bounds__(256) attention_deltas(
    const compute_t* result, const compute_t* d_result, float* deltas, int heads, int head_size, int queries) {
    int query = blockIdx.x * (blockDim.x / COLUMNS) + threadIdx.x / COLUMNS;
    int head = blockIdx.y;
    int row = blockIdx.z;
    float sum = 0;
    if (query < queries) {
        long long at = ((static_cast<long long>(row) * queries + query) * heads + head) * head_size;
        for (int column = threadIdx.x % COLUMNS * COLUMNS; column < head_size; column += COLUMNS * COLUMNS) {
            float a[COLUMNS];
            float b[COLUMNS];
            load_columns(result + at, column, head_size, a);
            load_columns(d_result + at, column, head_size, b);
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                sum += a[i] * b[i];
            }
        }
    }
    for (int distance = COLUMNS / 2; distance > 0; distance /= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, distance);
    }
    if (query < queries && threadIdx.x % COLUMNS == 0) {
        deltas[(static_cast<long long>(row) * heads + head) * queries + query] = sum;
    }
}
