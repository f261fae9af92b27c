// The phases of a step of Adafactor that a block of a group takes its rows of a matrix through.

#include "adafactor-step.cuh"

constexpr int MOST_THREADS = 512;
// Of a description
constexpr int MATRIX_WORDS = 14;

// One parameter as AdafactorGroups writes it: its columns are a multiple of 256, its addresses of 16 bytes.
struct Matrix {
    master_t* value;
    rest_t* rest;
    const void* gradient;
    float* row_moments;
    float* column_moments;
    int rows;
    int columns;
    // Rows of a block, the last ones of a group aside
    int block_rows;
    int unused;
};

// What the blocks of a group tell each other of a matrix.
struct Exchange {
    // [blocks * teams, columns]
    float* column_squares;
    // 1 / sqrt(moment)
    float* column_factors;
    // One number a block each
    float* moment_sums;
    float* update_squares;
};

enum Phase { SQUARES, MOMENTS, UPDATES, APPLICATION, ALL };

// A block's rows of a matrix, fewer than it has threads. A team of threads takes a row, a thread eight columns of it.
struct Part {
    int member;
    int members;
    int first_row;
    int rows;
    int teams;
    int team;
    int column;
    int warps_a_row;

    __device__ __forceinline__ Part(const Matrix& matrix, int member, int members) : member(member), members(members) {
        int threads = matrix.columns / COLUMNS;
        first_row = min(matrix.rows, member * matrix.block_rows);
        rows = min(matrix.rows - first_row, matrix.block_rows);
        teams = blockDim.x / threads;
        team = threadIdx.x / threads;
        column = threadIdx.x % threads * COLUMNS;
        warps_a_row = threads / WARP;
    }

    // Threads that do not make a whole team have no rows.
    __device__ __forceinline__ int begin() const { return team < teams ? team : rows; }

    __device__ __forceinline__ bool has_row_of_thread() const { return threadIdx.x < rows; }
};

// A block's part of a gradient as it lies in memory.
struct Source {
    const char* from;
    int bytes;
};

template <class G>
__device__ __forceinline__ Source source_of(const Matrix& matrix, int member) {
    int first_row = min(matrix.rows, member * matrix.block_rows);
    int rows = min(matrix.rows - first_row, matrix.block_rows);
    return {
        reinterpret_cast<const char*>(
            static_cast<const G*>(matrix.gradient) + static_cast<long long>(first_row) * matrix.columns),
        rows * matrix.columns * static_cast<int>(sizeof(G))};
}

// Waits for the part's gradient, of which the first `loaded` bytes are there or under way.
template <class G>
__device__ __forceinline__ void load_gradient(G* chunk, const Source& source, int loaded) {
    for (int at = loaded + threadIdx.x * 16; at < source.bytes; at += blockDim.x * 16) {
        copy_async16(reinterpret_cast<char*>(chunk) + at, source.from + at, 16);
    }
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
}

// The squares of the part's gradients by row and by column. Returns the new moment of the thread's row, given the old one.
template <class G>
__device__ __forceinline__ float squares(
    const G* chunk,
    float* row_sums,
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange,
    const Step& step,
    long long number,
    float moment) {
    float of_columns[COLUMNS] = {};
    for (int row = part.begin(); row < part.rows; row += part.teams) {
        float x[COLUMNS];
        load8(chunk + row * matrix.columns + part.column, x);
        float of_row = 0.0f;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            float square = x[i] * x[i];
            of_columns[i] += square;
            of_row += square;
        }
        of_row = warp_sum(of_row);
        if (threadIdx.x % WARP == 0) {
            row_sums[row * part.warps_a_row + part.column / (WARP * COLUMNS)] = of_row;
        }
    }
    if (part.team < part.teams) {
        long long line = static_cast<long long>(part.member) * part.teams + part.team;
        store8(exchange.column_squares + line * matrix.columns + part.column, of_columns);
    }
    __syncthreads();
    float all = 0.0f;
    float total = 0.0f;
    if (part.has_row_of_thread()) {
        for (int i = 0; i < part.warps_a_row; i++) {
            all += row_sums[threadIdx.x * part.warps_a_row + i];
        }
        moment = step.decay * moment + step.fresh * (all / matrix.columns + step.epsilon1);
        matrix.row_moments[part.first_row + threadIdx.x] = moment;
        total = moment;
    }
    total = block_sum(total);
    if (threadIdx.x == 0) {
        exchange.moment_sums[part.member] = total;
    }
    keep_gradient_squares(step, number * part.members + part.member, all);
    return moment;
}

// Threads that add up squares of columns, four columns each, and lines that one asks for before it adds the first.
constexpr int SUMMERS = 128;
constexpr int MOST_QUADS = 64;
constexpr int LINES = 8;

// The moments of some columns, as many in every block.
__device__ __forceinline__ void column_moments(
    const Matrix& matrix, const Part& part, const Exchange& exchange, const Step& step) {
    __shared__ float of_strips[SUMMERS * 4];
    int quads = matrix.columns / 4;
    // Pairs of them: 32 bytes are what memory moves.
    int each = min(MOST_QUADS, ((quads + part.members - 1) / part.members + 1) / 2 * 2);
    int strips = SUMMERS / each;
    int quad = threadIdx.x % each;
    int strip = threadIdx.x / each;
    int lines = part.members * part.teams;
    for (int first = part.member * each; first < quads; first += part.members * each) {
        int column = first * 4 + threadIdx.x;
        bool mine = threadIdx.x < each * 4 && column < matrix.columns;
        float before = mine ? matrix.column_moments[column] : 0.0f;
        if (strip < strips && first + quad < quads) {
            const float* from = exchange.column_squares + (first + quad) * 4;
            float sum[4] = {};
            for (int line = strip; line < lines; line += LINES * strips) {
                uint4 found[LINES];
#pragma unroll
                for (int k = 0; k < LINES; k++) {
                    int own = line + k * strips;
                    found[k] = own < lines ? load16(from + static_cast<long long>(own) * matrix.columns)
                                           : make_uint4(0, 0, 0, 0);
                }
#pragma unroll
                for (int k = 0; k < LINES; k++) {
                    sum[0] += __uint_as_float(found[k].x);
                    sum[1] += __uint_as_float(found[k].y);
                    sum[2] += __uint_as_float(found[k].z);
                    sum[3] += __uint_as_float(found[k].w);
                }
            }
#pragma unroll
            for (int k = 0; k < 4; k++) {
                of_strips[(strip * each + quad) * 4 + k] = sum[k];
            }
        }
        __syncthreads();
        if (mine) {
            float all = 0.0f;
            for (int i = 0; i < strips; i++) {
                all += of_strips[i * each * 4 + threadIdx.x];
            }
            float moment = step.decay * before + step.fresh * (all / matrix.rows + step.epsilon1);
            matrix.column_moments[column] = moment;
            exchange.column_factors[column] = 1.0f / sqrtf(moment);
        }
        __syncthreads();
    }
}

// A thread's share of the sum of one number of every block.
__device__ __forceinline__ float share_of_members(const float* numbers, int members) {
    float sum = 0.0f;
    for (int i = threadIdx.x; i < members; i += blockDim.x) {
        sum += numbers[i];
    }
    return sum;
}

// 1 / sqrt(moment relative to the mean over all rows) of the part's rows, given the moment of the thread's row, and a thread's
// column factors. Returns what the learning rate is relative to.
__device__ __forceinline__ float load_factors(
    float* row_factors,
    float (&factors)[COLUMNS],
    float moment,
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange,
    const Step& step,
    long long number) {
    load8(exchange.column_factors + part.column, factors);
    float moments = share_of_members(exchange.moment_sums, part.members);
    float values =
        step.relative != 0 ? share_of_members(step.value_squares + number * part.members, part.members) : 0.0f;
    float mean = block_sum(moments) / matrix.rows;
    if (part.has_row_of_thread()) {
        row_factors[threadIdx.x] = 1.0f / sqrtf(moment / mean);
    }
    float size = static_cast<float>(matrix.rows) * static_cast<float>(matrix.columns);
    // Its barriers are those between the row factors' writers and readers.
    values = block_sum(values);
    return step.relative != 0 ? fmaxf(step.epsilon2, sqrtf(values / size)) : 1.0f;
}

// The sum of squares of the part's updates before clipping.
template <class G>
__device__ __forceinline__ void updates(
    const G* chunk,
    const float* row_factors,
    const float (&factors)[COLUMNS],
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange) {
    float sum = 0.0f;
    for (int row = part.begin(); row < part.rows; row += part.teams) {
        float x[COLUMNS];
        load8(chunk + row * matrix.columns + part.column, x);
        float of_row = row_factors[row];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            float update = x[i] * (of_row * factors[i]);
            sum += update * update;
        }
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        exchange.update_squares[part.member] = sum;
    }
}

// Eight values as they lie in memory: whoever asks for them waits when it takes them apart.
struct Words {
    uint4 first;
    uint4 second;
};

__device__ __forceinline__ Words words_at(const Matrix& matrix, long long at) {
#ifdef COMPUTE_BF16
    return {load16_last(matrix.value + at), load16_last(matrix.rest + at)};
#else
    return {load16_last(matrix.value + at), load16_last(matrix.value + at + 4)};
#endif
}

__device__ __forceinline__ void values_of(const Words& words, float (&x)[COLUMNS]) {
#ifdef COMPUTE_BF16
    x[0] = __uint_as_float(join_low(words.first.x, words.second.x));
    x[1] = __uint_as_float(join_high(words.first.x, words.second.x));
    x[2] = __uint_as_float(join_low(words.first.y, words.second.y));
    x[3] = __uint_as_float(join_high(words.first.y, words.second.y));
    x[4] = __uint_as_float(join_low(words.first.z, words.second.z));
    x[5] = __uint_as_float(join_high(words.first.z, words.second.z));
    x[6] = __uint_as_float(join_low(words.first.w, words.second.w));
    x[7] = __uint_as_float(join_high(words.first.w, words.second.w));
#else
    x[0] = __uint_as_float(words.first.x);
    x[1] = __uint_as_float(words.first.y);
    x[2] = __uint_as_float(words.first.z);
    x[3] = __uint_as_float(words.first.w);
    x[4] = __uint_as_float(words.second.x);
    x[5] = __uint_as_float(words.second.y);
    x[6] = __uint_as_float(words.second.z);
    x[7] = __uint_as_float(words.second.w);
#endif
}

// Values under way at a time, in rows: as many as registers hold.
constexpr int AHEAD = 3;

__device__ __forceinline__ void ask_for_values(Words (&ahead)[AHEAD], const Matrix& matrix, const Part& part) {
#pragma unroll
    for (int k = 0; k < AHEAD; k++) {
        int row = part.begin() + k * part.teams;
        if (row < part.rows) {
            ahead[k] = words_at(matrix, static_cast<long long>(part.first_row + row) * matrix.columns + part.column);
        }
    }
}

// Gradients make room for those of `next`.
template <class G>
__device__ __forceinline__ void apply(
    G* chunk,
    const float* row_factors,
    const float (&factors)[COLUMNS],
    float scale,
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange,
    const Step& step,
    long long number,
    const Source& next) {
    Words ahead[AHEAD];
    ask_for_values(ahead, matrix, part);
    float size = static_cast<float>(matrix.rows) * static_cast<float>(matrix.columns);
    float updates = block_sum(share_of_members(exchange.update_squares, part.members));
    float factor = -step.learning_rate * scale / fmaxf(1.0f, sqrtf(updates / size) / step.clip);
    float sum = 0.0f;
    for (int row = part.begin(); row < part.rows; row += AHEAD * part.teams) {
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int own = row + k * part.teams;
            if (own < part.rows) {
                int place = own * matrix.columns + part.column;
                float values[COLUMNS];
                values_of(ahead[k], values);
                float x[COLUMNS];
                load8(chunk + place, x);
                float of_row = row_factors[own];
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    values[i] += x[i] * (of_row * factors[i] * factor);
                }
                sum += sum_of_squares(values);
                long long at = static_cast<long long>(part.first_row) * matrix.columns + place;
                master_store8(matrix.value, matrix.rest, at, values);
                // Nobody else reads this thread's gradients.
#pragma unroll
                for (int i = 0; i < COLUMNS * static_cast<int>(sizeof(G)); i += 16) {
                    int byte = place * static_cast<int>(sizeof(G)) + i;
                    if (byte < next.bytes) {
                        copy_async16(reinterpret_cast<char*>(chunk) + byte, next.from + byte, 16);
                    }
                }
                if (own + AHEAD * part.teams < part.rows) {
                    ahead[k] = words_at(matrix, at + static_cast<long long>(AHEAD * part.teams) * matrix.columns);
                }
            }
        }
    }
    // Its barriers say besides that the block has done with its gradients and factors.
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        step.next_value_squares[number * part.members + part.member] = sum;
    }
}

// The squares of the part's values, where no step has kept them.
__device__ __forceinline__ void measure(const Matrix& matrix, const Part& part, const Step& step, long long number) {
    float sum = 0.0f;
    for (int row = part.begin(); row < part.rows; row += part.teams) {
        float values[COLUMNS];
        long long at = static_cast<long long>(part.first_row + row) * matrix.columns + part.column;
        master_load8(matrix.value, matrix.rest, at, values);
        sum += sum_of_squares(values);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        step.value_squares[number * part.members + part.member] = sum;
    }
}
