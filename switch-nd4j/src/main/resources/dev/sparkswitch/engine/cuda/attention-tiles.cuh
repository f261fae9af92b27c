// What the attention kernels for tensor cores share: tiles in shared memory, and who holds what.
//
// A block of four warps keeps 128 rows (queries, or keys in the pass for their gradients) and streams tiles of 64 of the
// others past them. A warp owns 32 of the rows that stay. A product's rows and columns may be numbered at will, as ldmatrix
// takes the address of every row; they are numbered so that a thread holds small rectangles of the scores. With group =
// lane / 4 and quarter = lane % 4 it has
//     rows 4 group + r, r = 0..3 (r = 2 m + h: row group + 8 h of the m-th fragment of 16 rows), and
//     columns 32 w + 8 quarter + y, y = 0..7, w = 0..1 (y = 4 t + 2 u + b: column 2 quarter + b of fragment 2 t + u).
// So a lane's eight neighbouring keys of a query share one Philox block and a byte of the mask, and the 32 distances within a
// rectangle of 4 x 8 are only 11: position biases come in three loads, and their gradients are mostly summed in registers.

constexpr int STAYING = 128;
constexpr int STREAMED = 64;
constexpr int THREADS = 128;
constexpr int WARP_ROWS = 32;
constexpr float LOG2_E = 1.4426950408889634f;
#define INFINITE __int_as_float(0x7f800000)

// The distances between the rows of a block and a streamed tile: 191, and one to begin at 0.
constexpr int WINDOW = STAYING + STREAMED;

// Scores of a tile: no pair sees each other, some do, all do.
constexpr unsigned char NONE_VISIBLE = 0;
constexpr unsigned char SOME_VISIBLE = 1;
constexpr unsigned char ALL_VISIBLE = 2;

// Tiles whose visibility is known in advance; later ones are taken to be of the middle kind.
constexpr int MOST_TILES = 512;

// A matrix of one row and head in memory: rows of `width` numbers, `stride` apart.
struct Rows {
    bf16* data;
    long long stride;
    int count;
    int width;

    // Whether rows can be moved by 16 bytes, all D columns.
    template <int D>
    __device__ __forceinline__ bool wide() const {
        return width == D && is_aligned(data, 16) && stride % 8 == 0;
    }
};

__device__ __forceinline__ Rows rows_of(const bf16* data, int stride, int row, int head, int count, int head_size) {
    Rows rows;
    rows.data = const_cast<bf16*>(data) + static_cast<long long>(row) * count * stride + head * head_size;
    rows.stride = stride;
    rows.count = count;
    rows.width = head_size;
    return rows;
}

// Where the 16 bytes of eight columns lie: turned by the row, so that the eight rows of a matrix that ldmatrix reads lie in
// different banks. Those rows are 4 apart in tiles that stay, and pairs 8 apart in streamed ones.
template <int D>
__device__ __forceinline__ int turn(int chunk, int by) {
    return chunk ^ (by & (D >= 64 ? 7 : D / 8 - 1));
}

template <int D, int COUNT>
__device__ __forceinline__ int turned(int chunk, int row) {
    return turn<D>(chunk, COUNT == STAYING ? row >> 2 : (row & 1) | (row >> 3 & 3) << 1);
}

template <int D>
__device__ __forceinline__ int staying_at(int row, int chunk) {
    return row * D + turned<D, STAYING>(chunk, row) * 8;
}

// Begins to copy rows from `first` on to a tile; rows and columns beyond the matrix become 0.
template <int D, int COUNT>
__device__ __forceinline__ void load_tile(bf16* tile, const Rows& rows, int first, bool wide) {
    constexpr int CHUNKS = D / 8;
    constexpr int AT_ONCE = THREADS / CHUNKS;
    const int own = threadIdx.x / CHUNKS;
    const int chunk = threadIdx.x % CHUNKS;
    const int place = own * D + turned<D, COUNT>(chunk, own) * 8;
    const bf16* from = rows.data + static_cast<long long>(first + own) * rows.stride + chunk * 8;
    const long long next = AT_ONCE * rows.stride;
    if (wide && first + COUNT <= rows.count) {
#pragma unroll
        for (int i = 0; i < COUNT / AT_ONCE; i++) {
            // The turns of own and of i * AT_ONCE are of different bits.
            copy_async16(tile + (place ^ turned<D, COUNT>(0, i * AT_ONCE) * 8) + i * AT_ONCE * D, from + i * next);
        }
        return;
    }
#pragma unroll 1
    for (int i = 0; i < COUNT / AT_ONCE; i++) {
        bf16* to = tile + (place ^ turned<D, COUNT>(0, i * AT_ONCE) * 8) + i * AT_ONCE * D;
        const bool inside = first + own + i * AT_ONCE < rows.count;
        if (wide) {
            copy_async16(to, from, inside ? 16 : 0);
        } else {
#pragma unroll 1
            for (int column = 0; column < 8; column++) {
                to[column].bits = inside && chunk * 8 + column < rows.width ? from[column].bits : 0;
            }
        }
        from += next;
    }
}

constexpr int BF16_BYTES = 2;

// Where the rows lie that a lane names to ldmatrix, in bytes from the beginning of a tile. The step of a product turns two
// bits of it, and parts of a tile lie at constant distances.
template <int D>
struct Operands {
    static constexpr int ROW_BYTES = D * BF16_BYTES;
    // The left operand of a product: a warp's rows that stay.
    int left;
    // The right operand where streamed rows are the result's columns.
    int right;
    // The right operand where streamed rows are summed over and the tile's columns are the result's.
    int summed;

    __device__ __forceinline__ Operands(int warp, int lane) {
        left = (warp * WARP_ROWS + 4 * (lane & 7) + (lane >> 3 & 1)) * ROW_BYTES + turn<D>(lane >> 4, lane) * 16;
        right = (8 * (lane >> 1 & 3) + (lane & 1) + 2 * (lane >> 4)) * ROW_BYTES + turn<D>(lane >> 3 & 1, lane) * 16;
        summed = (8 * (lane >> 1 & 3) + (lane & 1) + 2 * (lane >> 3 & 1)) * ROW_BYTES + turn<D>(lane >> 4, lane) * 16;
    }

    // The bytes of part (w, t) of a streamed tile.
    static __device__ __forceinline__ int part(int w, int t) { return (32 * w + 4 * t) * ROW_BYTES; }
};

// The m-th 16 of a warp's rows that stay, and 16 columns.
template <int D>
__device__ __forceinline__ void load_left(unsigned (&a)[4], SharedAddress tile, const Operands<D>& operands, int m, int step) {
    load_matrices(a, tile + (operands.left ^ 32 * step) + 2 * m * Operands<D>::ROW_BYTES);
}

// 16 streamed rows of the part that begins at `part`, and 16 columns of theirs to sum over. The first two words are those of
// u = 0.
template <int D>
__device__ __forceinline__ void load_right(unsigned (&b)[4], SharedAddress part, const Operands<D>& operands, int step) {
    load_matrices(b, part + (operands.right ^ 32 * step));
}

// 16 columns for the 16 streamed rows of the part that begins at `part`, the first two words being those of the first eight.
template <int D>
__device__ __forceinline__ void load_right_summed(unsigned (&b)[4], SharedAddress part, const Operands<D>& operands, int pair) {
    load_matrices_transposed(b, part + (operands.summed ^ 32 * pair));
}

// d += a b for two right operands beside each other.
__device__ __forceinline__ void multiply_pair(
    float (&first)[4], float (&second)[4], const unsigned (&a)[4], const unsigned (&b)[4]) {
    const unsigned left[2] = {b[0], b[1]};
    const unsigned right[2] = {b[2], b[3]};
    mma_16x8x16(first, a, left);
    mma_16x8x16(second, a, right);
}

// Scores of part t as the left operand of a product that sums over streamed rows.
__device__ __forceinline__ void as_left(unsigned (&a)[4], const float (&first)[4], const float (&second)[4]) {
    a[0] = pack_bf16(first[0], first[1]);
    a[1] = pack_bf16(first[2], first[3]);
    a[2] = pack_bf16(second[0], second[1]);
    a[3] = pack_bf16(second[2], second[3]);
}

// Writes a warp's 32 rows of results, scaled by row or as one, by way of its part of a tile that stays.
template <int D>
__device__ __forceinline__ void store_rows(
    const float (&sums)[2][D / 8][4], const float (&scale)[4], bf16* tile, const Rows& rows, int first, int warp, int lane) {
    constexpr int CHUNKS = D / 8;
#pragma unroll
    for (int r = 0; r < 4; r++) {
#pragma unroll
        for (int n = 0; n < CHUNKS; n++) {
            int row = warp * WARP_ROWS + 4 * (lane >> 2) + r;
            *reinterpret_cast<unsigned*>(tile + staying_at<D>(row, n) + 2 * (lane & 3)) = pack_bf16(
                sums[r >> 1][n][2 * (r & 1)] * scale[r], sums[r >> 1][n][2 * (r & 1) + 1] * scale[r]);
        }
    }
    __syncwarp();
    bool wide = rows.wide<D>();
#pragma unroll
    for (int i = 0; i < CHUNKS; i++) {
        int number = i * WARP + lane;
        int row = warp * WARP_ROWS + number / CHUNKS;
        int chunk = number % CHUNKS;
        const bf16* from = tile + staying_at<D>(row, chunk);
        bf16* to = rows.data + (first + row) * rows.stride + chunk * 8;
        if (first + row < rows.count) {
            if (wide) {
                store16(to, load16(from));
            } else {
                for (int column = 0; column < 8 && chunk * 8 + column < rows.width; column++) {
                    to[column] = from[column];
                }
            }
        }
    }
}

// Begins to copy the biases of the distances between a block's rows and a tile: of column `first_column` and the next ones,
// 0 outside the table.
__device__ __forceinline__ void load_window(float* window, const float* bias, int first_column, int columns) {
    for (int i = threadIdx.x; i < WINDOW; i += THREADS) {
        int column = first_column + i;
        bool inside = column >= 0 && column < columns;
        copy_async4(window + i, bias + (inside ? column : 0), inside ? 4 : 0);
    }
}

// Begins to copy 64 numbers from `first` on; beyond `count` they become 0.
template <class T>
__device__ __forceinline__ void load_line(T* line, const T* from, int first, int count, int thread) {
    if (thread >= 0 && thread < STREAMED) {
        bool inside = first + thread < count;
        copy_async4(line + thread, from + (inside ? first + thread : 0), inside ? 4 : 0);
    }
}

__device__ __forceinline__ void load_four(int* x, const int* from) {
    uint4 words = load16(from);
    x[0] = static_cast<int>(words.x);
    x[1] = static_cast<int>(words.y);
    x[2] = static_cast<int>(words.z);
    x[3] = static_cast<int>(words.w);
}

// Finds out which streamed tiles a block has to visit, from the segments of its own rows (0 sees nothing). `causal` tells
// what an order of time leaves of a tile.
template <class Causal>
__device__ __forceinline__ void find_visible(
    unsigned char* visible, const int* own, int first, int own_count, const int* others, int other_count, Causal causal) {
    __shared__ int lowest[THREADS / WARP];
    __shared__ int highest[THREADS / WARP];
    int thread = threadIdx.x;
    int lane = thread % WARP;
    int warp = thread / WARP;
    int tiles = min((other_count + STREAMED - 1) / STREAMED, MOST_TILES);
    auto other = [&](int tile, int half) {
        int at = tile * STREAMED + half * WARP + lane;
        return at < other_count ? others[at] : 0;
    };
    bool inside = first + thread < own_count;
    int segment = inside ? own[first + thread] : 0;
    // On their way before anything waits: a warp's next tile.
    int a = other(warp, 0);
    int b = other(warp, 1);
    int low = segment == 0 ? 0x7fffffff : segment;
    int high = segment == 0 ? static_cast<int>(0x80000000) : segment;
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        low = min(low, __shfl_xor_sync(ALL_LANES, low, distance));
        high = max(high, __shfl_xor_sync(ALL_LANES, high, distance));
    }
    if (lane == 0) {
        lowest[warp] = low;
        highest[warp] = high;
    }
    bool blind = __syncthreads_or(inside && segment == 0);
    low = min(min(lowest[0], lowest[1]), min(lowest[2], lowest[3]));
    high = max(max(highest[0], highest[1]), max(highest[2], highest[3]));
    for (int tile = warp; tile < tiles; tile += THREADS / WARP) {
        int next_a = other(tile + THREADS / WARP, 0);
        int next_b = other(tile + THREADS / WARP, 1);
        bool sees = (a != 0 && a >= low && a <= high) || (b != 0 && b >= low && b <= high);
        bool any = __any_sync(ALL_LANES, sees);
        bool all = __all_sync(ALL_LANES, !blind && low == high && a == low && b == low);
        if (lane == 0) {
            unsigned char in_time = causal(tile * STREAMED);
            visible[tile] = !any ? NONE_VISIBLE : all ? in_time : min(in_time, SOME_VISIBLE);
        }
        a = next_a;
        b = next_b;
    }
    __syncthreads();
}

__device__ __forceinline__ int next_visible(const unsigned char* visible, int tile, int tiles) {
    while (tile < tiles && tile < MOST_TILES && visible[tile] == NONE_VISIBLE) {
        tile++;
    }
    return tile;
}

__device__ __forceinline__ bool all_visible(const unsigned char* visible, int tile) {
    return tile < MOST_TILES && visible[tile] == ALL_VISIBLE;
}

// The gradients of scores lie in memory as [rows, heads, pairs of queries, pairs of keys, 2, 2], so that 16 bytes are a lane's
// left operand of a product that sums over keys. Queries are filled up to whole tiles that are streamed, keys to ones that stay.
__device__ __forceinline__ int score_rows(int queries) { return (queries + STREAMED - 1) / STREAMED * STREAMED; }
__device__ __forceinline__ int score_pitch(int keys) { return (keys + STAYING - 1) / STAYING * STAYING; }

// Bytes of the mask of kept probabilities from one query to the next: a bit a key, whole tiles that stay.
__device__ __forceinline__ int mask_pitch(int keys) { return (keys + STAYING - 1) / STAYING * (STAYING / 8); }
