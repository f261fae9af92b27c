// Adafactor over large matrices, each by a group of blocks that together hold its gradient in shared memory: the gradient is
// read once instead of three times. A block has some of the rows, which it takes through all phases; between phases the
// blocks of a group meet. While one group meets, others move memory. Where a device runs its blocks one after the other, a
// launch does one phase, and every phase reads the gradient anew.

#include "adafactor-step.cuh"

constexpr int MOST_THREADS = 512;

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

enum Phase { SQUARES, MOMENTS, UPDATES, APPLICATION };

// A block's rows of a matrix. A team of threads takes a row, a thread eight columns of it.
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
};

template <class G>
__device__ __forceinline__ void load_gradient(G* chunk, const Matrix& matrix, const Part& part) {
    const char* from = reinterpret_cast<const char*>(
        static_cast<const G*>(matrix.gradient) + static_cast<long long>(part.first_row) * matrix.columns);
    int bytes = part.rows * matrix.columns * static_cast<int>(sizeof(G));
    for (int at = threadIdx.x * 16; at < bytes; at += blockDim.x * 16) {
        copy_async16(reinterpret_cast<char*>(chunk) + at, from + at, 16);
    }
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
}

// The squares of the part's gradients by row and by column, and the moments of its rows.
template <class G>
__device__ __forceinline__ void squares(
    const G* chunk,
    float* row_sums,
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange,
    const Step& step,
    long long number) {
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
    float total = 0.0f;
    float all = 0.0f;
    for (int row = threadIdx.x; row < part.rows; row += blockDim.x) {
        float sum = 0.0f;
        for (int i = 0; i < part.warps_a_row; i++) {
            sum += row_sums[row * part.warps_a_row + i];
        }
        float* at = matrix.row_moments + part.first_row + row;
        float moment = step.decay * *at + step.fresh * (sum / matrix.columns + step.epsilon1);
        *at = moment;
        total += moment;
        all += sum;
    }
    total = block_sum(total);
    if (threadIdx.x == 0) {
        exchange.moment_sums[part.member] = total;
    }
    keep_gradient_squares(step, number * part.members + part.member, all);
}

// The moments of some columns: a block takes 32 at a time.
__device__ __forceinline__ void column_moments(
    const Matrix& matrix, const Part& part, const Exchange& exchange, const Step& step) {
    __shared__ float of_warps[MOST_THREADS / WARP][WARP];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int warps = blockDim.x / WARP;
    int lines = part.members * part.teams;
    for (int slice = part.member; slice < matrix.columns / WARP; slice += part.members) {
        int column = slice * WARP + lane;
        float sum = 0.0f;
#pragma unroll 8
        for (int i = warp; i < lines; i += warps) {
            sum += exchange.column_squares[static_cast<long long>(i) * matrix.columns + column];
        }
        of_warps[warp][lane] = sum;
        __syncthreads();
        if (warp == 0) {
            float all = 0.0f;
            for (int i = 0; i < warps; i++) {
                all += of_warps[i][lane];
            }
            float moment =
                step.decay * matrix.column_moments[column] + step.fresh * (all / matrix.rows + step.epsilon1);
            matrix.column_moments[column] = moment;
            exchange.column_factors[column] = 1.0f / sqrtf(moment);
        }
        __syncthreads();
    }
}

// The sum of one number of every block, in their order of summation by threads.
__device__ __forceinline__ float sum_of_members(const float* numbers, int members) {
    float sum = 0.0f;
    for (int i = threadIdx.x; i < members; i += blockDim.x) {
        sum += numbers[i];
    }
    return block_sum(sum);
}

// 1 / sqrt(moment relative to the mean over all rows) of the part's rows, and a thread's column factors.
__device__ __forceinline__ void load_factors(
    float* row_factors, float (&factors)[COLUMNS], const Matrix& matrix, const Part& part, const Exchange& exchange) {
    float mean = sum_of_members(exchange.moment_sums, part.members) / matrix.rows;
    for (int row = threadIdx.x; row < part.rows; row += blockDim.x) {
        row_factors[row] = 1.0f / sqrtf(matrix.row_moments[part.first_row + row] / mean);
    }
    load8(exchange.column_factors + part.column, factors);
    __syncthreads();
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

// Values under way at a time, in rows.
constexpr int AHEAD = 2;

template <class G>
__device__ __forceinline__ void apply(
    const G* chunk,
    const float* row_factors,
    const float (&factors)[COLUMNS],
    const Matrix& matrix,
    const Part& part,
    const Exchange& exchange,
    const Step& step,
    long long number) {
    float size = static_cast<float>(matrix.rows) * static_cast<float>(matrix.columns);
    float scale = 1.0f;
    if (step.relative != 0) {
        float values = sum_of_members(step.value_squares + number * part.members, part.members);
        scale = fmaxf(step.epsilon2, sqrtf(values / size));
    }
    float clip = fmaxf(1.0f, sqrtf(sum_of_members(exchange.update_squares, part.members) / size) / step.clip);
    float factor = -step.learning_rate * scale / clip;
    float sum = 0.0f;
    for (int row = part.begin(); row < part.rows; row += AHEAD * part.teams) {
        float values[AHEAD][COLUMNS];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int own = row + k * part.teams;
            if (own < part.rows) {
                long long at = static_cast<long long>(part.first_row + own) * matrix.columns + part.column;
                master_load8(matrix.value, matrix.rest, at, values[k]);
            }
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            int own = row + k * part.teams;
            if (own < part.rows) {
                float x[COLUMNS];
                load8(chunk + own * matrix.columns + part.column, x);
                float of_row = row_factors[own];
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    values[k][i] += x[i] * (of_row * factors[i] * factor);
                }
                sum += sum_of_squares(values[k]);
                long long at = static_cast<long long>(part.first_row + own) * matrix.columns + part.column;
                master_store8(matrix.value, matrix.rest, at, values[k]);
            }
        }
    }
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

// Waits until `count` arrivals at the group's meeting place, of which this block makes one.
__device__ __forceinline__ void meet(int* arrived, int count) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(arrived, 1);
#ifdef SIMT_EMULATOR
        if (*arrived < count) {
            simt::fail("blocks that run one after the other cannot meet");
        }
#else
        int found;
        do {
            asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(found) : "l"(arrived) : "memory");
        } while (found < count);
#endif
    }
    __syncthreads();
}

// The place of this block among all: in the order in which blocks begin, so that a group that waits is a group that runs.
__device__ __forceinline__ int draw(int* drawn) {
    __shared__ int place;
    if (threadIdx.x == 0) {
        place = drawn == nullptr ? static_cast<int>(blockIdx.x) : atomicAdd(drawn, 1);
    }
    __syncthreads();
    return place;
}

template <class G>
__device__ __forceinline__ void work(
    const Matrix* matrices,
    int first,
    int end,
    int first_phase,
    int last_phase,
    int members,
    int row_numbers,
    int* drawn,
    float* exchanges,
    long long exchange_size,
    int most_columns,
    const Step& step) {
    // Sums of rows, factors of rows, and the gradient
    DYNAMIC_SHARED(float, row_sums);
    float* row_factors = row_sums + row_numbers;
    G* chunk = reinterpret_cast<G*>(row_factors + row_numbers);
    int place = draw(drawn);
    int group = place / members;
    int groups = gridDim.x / members;
    float* own = exchanges + group * exchange_size;
    // Sums of columns begin at a multiple of 16 bytes.
    int numbers = (members + 3) / 4 * 4;
    const Exchange exchange = {own + most_columns + 2 * numbers, own, own + most_columns, own + most_columns + numbers};
    int meetings = 0;
    float factors[COLUMNS];
    for (int number = first + group; number < end; number += groups) {
        const Matrix matrix = matrices[number];
        const Part part(matrix, place % members, members);
        if (first_phase != MOMENTS) {
            load_gradient(chunk, matrix, part);
        }
        for (int phase = first_phase; phase <= last_phase; phase++) {
            switch (phase) {
                case SQUARES:
                    if (step.measure != 0) {
                        measure(matrix, part, step, number);
                    }
                    squares(chunk, row_sums, matrix, part, exchange, step, number);
                    break;
                case MOMENTS:
                    column_moments(matrix, part, exchange, step);
                    break;
                case UPDATES:
                    load_factors(row_factors, factors, matrix, part, exchange);
                    updates(chunk, row_factors, factors, matrix, part, exchange);
                    break;
                default:
                    if (first_phase == APPLICATION) {
                        load_factors(row_factors, factors, matrix, part, exchange);
                    }
                    apply(chunk, row_factors, factors, matrix, part, exchange, step, number);
            }
            if (phase < last_phase) {
                meetings++;
                meet(drawn + 1 + group, meetings * members);
            }
        }
        __syncthreads();
    }
}

// Matrices `first` to `end - 1` by groups of `members` blocks, phases `first_phase` to `last_phase`. drawn [1 + groups] begins
// with zeros; it is null where a launch is one phase, and then there are no more matrices than groups.
#define GROUPS_PARAMETERS                                                                                              \
    const Matrix *matrices, int first, int end, int first_phase, int last_phase, int members, int row_numbers,         \
        int *drawn, float *exchanges, long long exchange_size, int most_columns, float learning_rate, float decay,     \
        float fresh, float epsilon1, float epsilon2, float clip, int relative, int measure, float *value_squares,      \
        float *next_value_squares, float *gradient_squares

#define GROUPS_WORK(G)                                                                                                 \
    Step step = {learning_rate, decay,   fresh,         epsilon1,          epsilon2, clip,                             \
                 relative,      measure, value_squares, next_value_squares, gradient_squares};                         \
    work<G>(                                                                                                           \
        matrices, first, end, first_phase, last_phase, members, row_numbers, drawn, exchanges, exchange_size,          \
        most_columns, step)

extern "C" __global__ void __launch_bounds__(MOST_THREADS, 2) adafactor_groups(GROUPS_PARAMETERS) { GROUPS_WORK(float); }

// Of gradients in bfloat16.
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 2) adafactor_groups_narrow(GROUPS_PARAMETERS) {
    GROUPS_WORK(bf16);
}
