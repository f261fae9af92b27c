// Rows of the embedding table by id, and the sum of gradients by id. The sum has no atomics: positions are sorted by id (a
// stable radix sort), cut into chunks, and summed along each chunk; what belongs to ids that cross a chunk's ends is added
// up in the chunks' order.

// y = dropout(table[ids]). The nearest bfloat16 of a split table is all that a bfloat16 result can show.
extern "C" __global__ void embed(
    const int* ids, const master_t* table, Dropout dropout, compute_t* y, unsigned items, int width, int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned row = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        float values[COLUMNS];
        load_columns(table + static_cast<long long>(ids[row]) * width, column, width, values);
        drop(values, dropout, dropout.element(0, row, width) + column);
        store_columns(y + static_cast<long long>(row) * width, column, width, values);
    }
}

// The sort: one pass by one digit of up to MOST_DIGITS values. A block of SORT_WARPS warps takes a key a thread.
constexpr int SORT_WARPS = 8;
constexpr int MOST_DIGITS = 1024;

// Counts the block's keys: counts[w][d], of digit d in warp w. Returns how many of the lanes before this one have its digit.
__device__ __forceinline__ int count_digits(int digit, bool inside, int digits, int (*counts)[MOST_DIGITS]) {
    for (int i = threadIdx.x; i < SORT_WARPS * digits; i += blockDim.x) {
        counts[i / digits][i % digits] = 0;
    }
    __syncthreads();
    unsigned same = __ballot_sync(ALL_LANES, inside);
    for (int bit = 1; bit < digits; bit *= 2) {
        unsigned set = __ballot_sync(ALL_LANES, (digit & bit) != 0);
        same &= (digit & bit) != 0 ? set : ~set;
    }
    int before = __popc(same & ((1u << threadIdx.x % WARP) - 1));
    if (inside && before == 0) {
        counts[threadIdx.x / WARP][digit] = __popc(same);
    }
    __syncthreads();
    return before;
}

// counts [digits, blocks] = keys of each digit in each block.
extern "C" __global__ void sort_count(const int* keys, int n, int shift, int digits, int* counts) {
    __shared__ int in_warps[SORT_WARPS][MOST_DIGITS];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int digit = i < n ? keys[i] >> shift & (digits - 1) : 0;
    count_digits(digit, i < n, digits, in_warps);
    for (int d = threadIdx.x; d < digits; d += blockDim.x) {
        int sum = 0;
        for (int warp = 0; warp < SORT_WARPS; warp++) {
            sum += in_warps[warp][d];
        }
        counts[static_cast<long long>(d) * gridDim.x + blockIdx.x] = sum;
    }
}

// counts = the sums of all counts before each, in place; one block of 1024 threads.
extern "C" __global__ void sort_scan(int* counts, int n) {
    __shared__ int of_warps[WARP];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int carried = 0;
    for (int first = 0; first < n; first += blockDim.x * 4) {
        int at = first + threadIdx.x * 4;
        int own[4];
        int sum = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            own[i] = at + i < n ? counts[at + i] : 0;
            sum += own[i];
        }
        int upto = sum;
        for (int distance = 1; distance < WARP; distance *= 2) {
            int other = __shfl_up_sync(ALL_LANES, upto, distance);
            upto += lane >= distance ? other : 0;
        }
        if (lane == WARP - 1) {
            of_warps[warp] = upto;
        }
        __syncthreads();
        int before = carried + upto - sum;
        for (int w = 0; w < WARP; w++) {
            int of_warp = of_warps[w];
            before += w < warp ? of_warp : 0;
            carried += of_warp;
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if (at + i < n) {
                counts[at + i] = before;
            }
            before += own[i];
        }
        __syncthreads();
    }
}

// Puts keys and what they stand for (the keys' own numbers where `values` is null) in the digit's order.
extern "C" __global__ void sort_move(
    const int* keys,
    const int* values,
    int n,
    int shift,
    int digits,
    const int* offsets,
    int* sorted_keys,
    int* sorted_values) {
    __shared__ int in_warps[SORT_WARPS][MOST_DIGITS];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int key = i < n ? keys[i] : 0;
    int digit = key >> shift & (digits - 1);
    int place = count_digits(digit, i < n, digits, in_warps);
    if (i < n) {
        for (int warp = 0; warp < threadIdx.x / WARP; warp++) {
            place += in_warps[warp][digit];
        }
        place += offsets[static_cast<long long>(digit) * gridDim.x + blockIdx.x];
        sorted_keys[place] = key;
        sorted_values[place] = values == nullptr ? i : values[i];
    }
}

// Positions summed one after the other.
constexpr int CHUNK = 16;
// Rows under way at a time.
constexpr int AHEAD = 4;

__device__ __forceinline__ bool goes_on_after(const int* keys, int last, int n) {
    return last < n && keys[last] == keys[last - 1];
}

// A team's chunk of sorted positions: d_table[key] += their gradients. Sums of ids that also stand in a neighbouring chunk go
// to partials [chunks, 2, width]: 0 for an id that began in an earlier chunk, 1 for one that begins here and goes on.
extern "C" __global__ void embed_sums(
    const compute_t* dy,
    const int* keys,
    const int* positions,
    int n,
    Dropout dropout,
    float* d_table,
    float* partials,
    int width,
    int team) {
    int chunk = blockIdx.x * (blockDim.x / team) + threadIdx.x / team;
    int column = threadIdx.x % team * COLUMNS;
    int first = chunk * CHUNK;
    if (first >= n || column >= width) {
        return;
    }
    int last = min(n, first + CHUNK);
    bool begun = first > 0 && keys[first - 1] == keys[first];
    bool goes_on = goes_on_after(keys, last, n);
    float total[COLUMNS] = {};
    for (int i = first; i < last; i += AHEAD) {
        float rows[AHEAD][COLUMNS];
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            if (i + j < last) {
                long long position = positions[i + j];
                load_columns(dy + position * width, column, width, rows[j]);
                drop(rows[j], dropout, dropout.element(0, position, width) + column);
            }
        }
#pragma unroll
        for (int j = 0; j < AHEAD; j++) {
            int at = i + j;
            if (at < last) {
#pragma unroll
                for (int c = 0; c < COLUMNS; c++) {
                    total[c] += rows[j][c];
                }
                int key = keys[at];
                bool ends = at + 1 == last || keys[at + 1] != key;
                if (ends) {
                    bool head = begun && keys[first] == key;
                    bool tail = goes_on && keys[last - 1] == key;
                    if (head || tail) {
                        store_columns(partials + (chunk * 2LL + (head ? 0 : 1)) * width, column, width, total);
                    } else {
                        float* row = d_table + static_cast<long long>(key) * width;
                        float sum[COLUMNS];
                        load_columns(row, column, width, sum);
#pragma unroll
                        for (int c = 0; c < COLUMNS; c++) {
                            sum[c] += total[c];
                        }
                        store_columns(row, column, width, sum);
                    }
#pragma unroll
                    for (int c = 0; c < COLUMNS; c++) {
                        total[c] = 0.0f;
                    }
                }
            }
        }
    }
}

// Adds up the partial sums of an id that begins in a team's chunk and goes on in the next ones.
extern "C" __global__ void embed_join(
    const int* keys, int n, const float* partials, float* d_table, int width, int team) {
    int chunk = blockIdx.x * (blockDim.x / team) + threadIdx.x / team;
    int column = threadIdx.x % team * COLUMNS;
    int first = chunk * CHUNK;
    if (first + CHUNK >= n || column >= width) {
        return;
    }
    int key = keys[first + CHUNK - 1];
    bool begun = first > 0 && keys[first - 1] == key;
    if (begun || !goes_on_after(keys, first + CHUNK, n)) {
        return;
    }
    float* row = d_table + static_cast<long long>(key) * width;
    float sum[COLUMNS];
    float part[COLUMNS];
    load_columns(row, column, width, sum);
    load_columns(partials + (chunk * 2LL + 1) * width, column, width, part);
    int chunks = (n + CHUNK - 1) / CHUNK;
    int end = chunk + 1;
    while (end < chunks && keys[end * CHUNK] == key) {
        end++;
    }
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) {
        sum[c] += part[c];
    }
#pragma unroll 4
    for (int next = chunk + 1; next < end; next++) {
        load_columns(partials + next * 2LL * width, column, width, part);
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
            sum[c] += part[c];
        }
    }
    store_columns(row, column, width, sum);
}
