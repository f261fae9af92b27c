// What the attention kernels in float32 arithmetic share: tiles in shared memory, products of them, and what belongs to a
// pair of a query and a key.
//
// A block of four warps keeps 64 rows (queries, or keys in the pass for their gradients) and streams tiles of 64 of the others
// past them. Heads are taken 64 columns at a time: a block sums scores over all of them and writes one of these chunks, so
// that wide heads have several blocks for the same rows, which compute the same scores.
//
// A warp owns 16 of the rows that stay. With x = lane % 8 and y = lane / 8 a lane holds, of the scores, rows y + 4 i
// (i = 0..3) and columns x + 8 j (j = 0..7), and of results rows y + 4 i and columns 32 (n / 4) + 4 x + n % 4 (n = 0..7). So
// whatever it reads of a tile, 16 bytes at a time, lies beside what the other lanes read or in rows beside theirs, which the
// tiles' pitches put into other banks.

constexpr int TILE = 64;
constexpr int THREADS = 128;
constexpr int WARP_ROWS = 16;
constexpr int ROWS = 4;
constexpr int OTHERS = 8;
constexpr int PITCH = TILE + 4;
// Single numbers are written here, by 4 rows of 8 lanes.
constexpr int WEIGHT_PITCH = TILE + 8;
constexpr int WINDOW = 2 * TILE;
constexpr int NO_SEGMENT = static_cast<int>(0x80000000);
#define INFINITE __int_as_float(0x7f800000)

// Where a lane's numbers lie.
__device__ __forceinline__ int own_row() { return threadIdx.x / WARP * WARP_ROWS + threadIdx.x % WARP / OTHERS; }
__device__ __forceinline__ int own_other() { return threadIdx.x % OTHERS; }

// A matrix of one row and head in memory: rows of `width` numbers, `stride` apart.
struct Rows {
    compute_t* data;
    long long stride;
    int count;
    int width;
    // Whether four columns can be moved at once.
    bool wide;
};

__device__ __forceinline__ Rows rows_of(const compute_t* data, int stride, int row, int head, int count, int width) {
    Rows rows;
    rows.data = const_cast<compute_t*>(data) + static_cast<long long>(row) * count * stride + head * width;
    rows.stride = stride;
    rows.count = count;
    rows.width = width;
    rows.wide = sizeof(compute_t) == sizeof(float) && width % 4 == 0 && stride % 4 == 0 && is_aligned(rows.data, 16);
    return rows;
}

// Four columns of which `left` lie in the matrix; the others become 0.
__device__ __forceinline__ void load_columns_async(float* to, const float* from, int left) {
#pragma unroll
    for (int column = 0; column < 4; column++) {
        copy_async4(to + column, from + column, column < left ? 4 : 0);
    }
}

// bfloat16 has to pass through registers.
__device__ __forceinline__ void load_columns_async(float* to, const bf16* from, int left) {
#pragma unroll
    for (int column = 0; column < 4; column++) {
        to[column] = column < left ? to_float(from[column]) : 0.0f;
    }
}

// Begins to copy rows from `first` on, the chunk's columns of them, to a tile; rows and columns beyond the matrix become 0.
__device__ __forceinline__ void load_tile(float* tile, const Rows& rows, int first, int chunk) {
    const int quad = threadIdx.x % (TILE / 4);
    const int column = chunk * TILE + 4 * quad;
    const int own = threadIdx.x / (TILE / 4);
    constexpr int AT_ONCE = THREADS / (TILE / 4);
    float* to = tile + own * PITCH + 4 * quad;
    const compute_t* from = rows.data + (first + own) * rows.stride + column;
    const long long next = AT_ONCE * rows.stride;
    if (rows.wide) {
#pragma unroll
        for (int i = 0; i < TILE; i += AT_ONCE) {
            bool inside = first + own + i < rows.count && column < rows.width;
            copy_async16(to + i * PITCH, from, inside ? 16 : 0);
            from += next;
        }
    } else {
#pragma unroll 1
        for (int i = 0; i < TILE; i += AT_ONCE) {
            load_columns_async(to + i * PITCH, from, first + own + i < rows.count ? rows.width - column : 0);
            from += next;
        }
    }
}

// sums += own others^T over the first `columns` columns, filled up to whole eights.
__device__ __forceinline__ void add_products(
    float (&sums)[ROWS][OTHERS], const float* own, const float* others, int columns) {
    const float* a = own + own_row() * PITCH;
    const float* b = others + own_other() * PITCH;
#pragma unroll 1
    for (int eight = 0; eight < columns; eight += 8) {
#pragma unroll
        for (int four = 0; four < 8; four += 4) {
            float left[ROWS][4];
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                load_four(left[i], a + 4 * i * PITCH + eight + four);
            }
#pragma unroll
            for (int j = 0; j < OTHERS; j++) {
                float right[4];
                load_four(right, b + 8 * j * PITCH + eight + four);
#pragma unroll
                for (int c = 0; c < 4; c++) {
#pragma unroll
                    for (int i = 0; i < ROWS; i++) {
                        sums[i][j] = fmaf(left[i][c], right[c], sums[i][j]);
                    }
                }
            }
        }
    }
}

// sums += weights others, over the first `count` of the others, filled up to whole eights. Of the weights a warp reads its
// own rows alone.
__device__ __forceinline__ void add_weighted(
    float (&sums)[ROWS][OTHERS], const float* weights, const float* others, int count) {
    const float* a = weights + own_row() * WEIGHT_PITCH;
    const float* b = others + 4 * own_other();
#pragma unroll 1
    for (int eight = 0; eight < count; eight += 8) {
#pragma unroll
        for (int four = 0; four < 8; four += 4) {
            float left[ROWS][4];
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                load_four(left[i], a + 4 * i * WEIGHT_PITCH + eight + four);
            }
#pragma unroll
            for (int c = 0; c < 4; c++) {
                float right[OTHERS];
                load_four(right, b + (eight + four + c) * PITCH);
                load_four(right + 4, b + (eight + four + c) * PITCH + TILE / 2);
#pragma unroll
                for (int i = 0; i < ROWS; i++) {
#pragma unroll
                    for (int n = 0; n < OTHERS; n++) {
                        sums[i][n] = fmaf(left[i][c], right[n], sums[i][n]);
                    }
                }
            }
        }
    }
}

__device__ __forceinline__ void store_weights(float* weights, const float (&values)[ROWS][OTHERS]) {
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
        for (int j = 0; j < OTHERS; j++) {
            weights[(own_row() + 4 * i) * WEIGHT_PITCH + own_other() + 8 * j] = values[i][j];
        }
    }
}

// Two matrices whose rows are multiplied with each other, the block's own and the streamed ones, chunk by chunk. The chunk
// that the block writes comes last, so that it still lies there for the products with weights.
struct Factors {
    float* own;
    float* others;
    Rows own_rows;
    Rows other_rows;
    int first_own;
    int chunks;
    int part;
    // The chunk of its own rows that lies in shared memory.
    int own_chunk;

    __device__ __forceinline__ Factors(
        float* own, float* others, const Rows& own_rows, const Rows& other_rows, int first_own, int part)
        : own(own), others(others), own_rows(own_rows), other_rows(other_rows), first_own(first_own),
          chunks((own_rows.width + TILE - 1) / TILE), part(part), own_chunk(-1) {}

    __device__ __forceinline__ void load(int first_other, int number) {
        int chunk = (part + 1 + number) % chunks;
        if (chunk != own_chunk) {
            load_tile(own, own_rows, first_own, chunk);
            own_chunk = chunk;
        }
        load_tile(others, other_rows, first_other, chunk);
        copy_async_commit();
    }

    // Begins to copy what the products with the tile from `first_other` on begin with.
    __device__ __forceinline__ void begin(int first_other) { load(first_other, 0); }

    // sums += the products with that tile, whose beginning is there.
    __device__ __forceinline__ void multiply(float (&sums)[ROWS][OTHERS], int first_other, bool idle) {
#pragma unroll 1
        for (int number = 0; number < chunks; number++) {
            if (number > 0) {
                __syncthreads();
                load(first_other, number);
                copy_async_wait<0>();
                __syncthreads();
            }
            if (!idle) {
                add_products(sums, own, others, min(TILE, own_rows.width - own_chunk * TILE));
            }
        }
    }
};

// Writes a warp's rows of the chunk, each multiplied by its scale.
__device__ __forceinline__ void store_rows(
    const float (&sums)[ROWS][OTHERS], const float (&scale)[ROWS], const Rows& rows, int first, int chunk) {
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        int row = first + own_row() + 4 * i;
        if (row < rows.count) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int column = chunk * TILE + half * TILE / 2 + 4 * own_other();
                compute_t* to = rows.data + row * rows.stride + column;
                if (rows.wide && column < rows.width) {
                    store16(
                        to, make_uint4(
                                __float_as_uint(sums[i][4 * half] * scale[i]), __float_as_uint(sums[i][4 * half + 1] * scale[i]),
                                __float_as_uint(sums[i][4 * half + 2] * scale[i]),
                                __float_as_uint(sums[i][4 * half + 3] * scale[i])));
                } else {
#pragma unroll
                    for (int n = 0; n < 4; n++) {
                        if (column + n < rows.width) {
                            store(to + n, sums[i][4 * half + n] * scale[i]);
                        }
                    }
                }
            }
        }
    }
}

// What all passes are about.
struct Problem {
    const compute_t* q;
    const compute_t* k;
    const compute_t* v;
    const float* bias;
    const int* query_segments;
    const int* key_segments;
    int q_stride;
    int k_stride;
    int v_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;

    __device__ __forceinline__ int head() const { return blockIdx.y; }
    __device__ __forceinline__ int row() const { return blockIdx.z; }
    __device__ __forceinline__ int chunks() const { return (head_size + TILE - 1) / TILE; }
    // The chunk of columns that the block writes, and the first of the rows that it keeps.
    __device__ __forceinline__ int part() const { return blockIdx.x % chunks(); }
    __device__ __forceinline__ int first() const { return blockIdx.x / chunks() * TILE; }

    __device__ __forceinline__ Rows q_rows() const { return rows_of(q, q_stride, row(), head(), queries, head_size); }
    __device__ __forceinline__ Rows k_rows() const { return rows_of(k, k_stride, row(), head(), keys, head_size); }
    __device__ __forceinline__ Rows v_rows() const { return rows_of(v, v_stride, row(), head(), keys, head_size); }
    // Of results and their gradients, which have no other columns beside them.
    __device__ __forceinline__ Rows result_rows(const compute_t* data) const {
        return rows_of(data, heads * head_size, row(), head(), queries, head_size);
    }

    // The number of the first query among all rows and heads.
    __device__ __forceinline__ long long lines() const { return (static_cast<long long>(row()) * heads + head()) * queries; }

    __device__ __forceinline__ int query_segment(int query) const {
        return query < queries ? query_segments[static_cast<long long>(row()) * queries + query] : 0;
    }
    __device__ __forceinline__ int key_segment(int key) const {
        return key < keys ? key_segments[static_cast<long long>(row()) * keys + key] : 0;
    }

    // Tiles of keys that queries from `first` on may see.
    __device__ __forceinline__ int key_tiles(int first) const {
        return ((causal ? min(keys, first + TILE) : keys) + TILE - 1) / TILE;
    }

    // The segment of a row that a block keeps: one that no other row has where it sees nothing.
    static __device__ __forceinline__ int seeing(int segment) { return segment == 0 ? NO_SEGMENT : segment; }
};

// What belongs to the pairs of a tile of queries and one of keys; without biases and dropout too, so that whoever reads it need
// not ask.
struct Pairs {
    // Biases by distance: place key - query + TILE - 1, counted from the tiles' beginnings.
    float window[WINDOW];
    // Of the streamed rows.
    int segments[TILE];
    // Which probabilities of a query are kept, a bit a key.
    unsigned kept_keys[TILE][TILE / 32];

    __device__ __forceinline__ void load(const Problem& in, const Dropout& dropout, int first_query, int first_key) {
        int distances = in.queries + in.keys - 1;
        int column = first_key - first_query + in.queries - TILE + static_cast<int>(threadIdx.x);
        bool biased = in.bias != nullptr && column >= 0 && column < distances;
        window[threadIdx.x] = biased ? in.bias[static_cast<long long>(in.head()) * distances + column] : 0.0f;
        if (!dropout.active()) {
            kept_keys[threadIdx.x / 2][threadIdx.x % 2] = ALL_LANES;
            return;
        }
#pragma unroll 1
        for (int i = threadIdx.x; i < TILE * TILE / 8; i += THREADS) {
            int query = first_query + i / (TILE / 8);
            int key = first_key + i % (TILE / 8) * 8;
            unsigned bits = 0;
            if (query < in.queries && key < in.keys) {
                unsigned long long first = dropout.element(0, in.lines() + query, in.keys) + key;
                bits = eight_kept(dropout, first, in.keys % 8 == 0);
            }
            reinterpret_cast<unsigned char*>(kept_keys)[i] = static_cast<unsigned char>(bits);
        }
    }

    // Bit n: whether the query's probability of key + n is kept, up to the end of 32 keys.
    __device__ __forceinline__ unsigned kept(int query, int key) const { return kept_keys[query][key / 32] >> key % 32; }

    __device__ __forceinline__ float bias(int query, int key) const { return window[key - query + TILE - 1]; }
};
static_assert(WINDOW == THREADS && TILE * TILE / 32 == THREADS, "a thread has one bias and 32 keys");
