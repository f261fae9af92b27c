// Adafactor over large matrices, each by a group of blocks that together hold its gradient in shared memory: the gradient is
// read once instead of three times. A block has some of the rows, which it takes through all phases; between phases the
// blocks of a group meet. While one group meets, others move memory, and the next matrix's gradient is on its way to the place of
// each row that has been applied. Groups draw their next matrix: one whose blocks came late, because sums over cards kept them
// from a multiprocessor, takes fewer. Where a device runs its blocks one after the other, a launch does one phase, and every phase
// reads the gradient anew.

#include "adafactor-group-phases.cuh"

// Waits until `count` arrivals at the group's meeting place, of which this block makes one.
__device__ __forceinline__ void meet(int* arrived, int count) {
    __syncthreads();
    if (threadIdx.x == 0) {
#ifdef SIMT_EMULATOR
        if (++*arrived < count) {
            simt::fail("blocks that run one after the other cannot meet");
        }
#else
        // What the block's other threads wrote before the barrier is released with it.
        asm volatile("red.release.gpu.global.add.s32 [%0], 1;" ::"l"(arrived) : "memory");
        int found;
        do {
            asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(found) : "l"(arrived) : "memory");
        } while (found < count);
#endif
    }
    __syncthreads();
}

// A copy of a matrix's description, for whoever comes past the next barrier.
__device__ __forceinline__ void describe(Matrix& copy, const Matrix* matrices, int number, int end) {
    if (number < end && threadIdx.x < MATRIX_WORDS) {
        reinterpret_cast<int*>(&copy)[threadIdx.x] = reinterpret_cast<const int*>(matrices + number)[threadIdx.x];
    }
}

// What blocks count and tell each other lies one after the other: blocks that have begun, matrices drawn, and for each group the
// blocks that have arrived at its meeting place, and then for each the matrix that it has drawn.
__device__ __forceinline__ int* arrived(int* counters, int group) { return counters + 2 + group; }

__device__ __forceinline__ int* next_matrix(int* counters, int groups, int group) {
    return counters + 2 + groups + group;
}

// The place of this block among all: in the order in which blocks begin, so that a group that waits is a group that runs.
__device__ __forceinline__ int draw(int* begun) {
    __shared__ int place;
    if (threadIdx.x == 0) {
        place = begun == nullptr ? static_cast<int>(blockIdx.x) : atomicAdd(begun, 1);
    }
    __syncthreads();
    return place;
}

__device__ __forceinline__ Matrix* descriptions_in_shared_memory() {
    __shared__ Matrix descriptions[2];
    return descriptions;
}

template <class G, bool all>
__device__ __forceinline__ void work(
    const Matrix* matrices,
    int first,
    int end,
    int phase,
    int prefetch,
    int members,
    int row_numbers,
    int* counters,
    float* exchanges,
    long long exchange_size,
    int most_columns,
    const Step& step) {
    static_assert(sizeof(Matrix) == MATRIX_WORDS * sizeof(int), "a thread copies a word");
    // Sums of rows, factors of rows, and the gradient
    DYNAMIC_SHARED(float, row_sums);
    float* row_factors = row_sums + row_numbers;
    G* chunk = reinterpret_cast<G*>(row_factors + row_numbers);
    Matrix* descriptions = descriptions_in_shared_memory();
    int place = draw(counters);
    int group = place / members;
    int member = place % members;
    int groups = gridDim.x / members;
    float* own = exchanges + group * exchange_size;
    // Sums of columns begin at a multiple of 16 bytes.
    int numbers = (members + 3) / 4 * 4;
    const Exchange exchange = {own + most_columns + 2 * numbers, own, own + most_columns, own + most_columns + numbers};
    // The one after this block's matrix, once the last meeting over that is through
    __shared__ int next;
    int meetings = 0;
    int turn = 0;
    int loaded = 0;
    describe(descriptions[0], matrices, first + group, end);
    __syncthreads();
    int number = first + group;
    while (number < end) {
        const Matrix matrix = descriptions[turn];
        const Part part(matrix, member, members);
        // Of the step before, or of this one where the phase that changes it is another launch
        float moment = part.has_row_of_thread() ? matrix.row_moments[part.first_row + threadIdx.x] : 0.0f;
        const Source gradient = source_of<G>(matrix, member);
        if (phase != MOMENTS) {
            load_gradient(chunk, gradient, loaded);
        }
        if (all || phase == SQUARES) {
            if (step.measure != 0) {
                measure(matrix, part, step, number);
            }
            moment = squares(chunk, row_sums, matrix, part, exchange, step, number, moment);
        }
        if (all) {
            meet(arrived(counters, group), ++meetings * members);
        }
        int drawn = 0;
        if (all && member == 0 && threadIdx.x == 0) {
            drawn = first + groups + atomicAdd(counters + 1, 1);
        }
        if (all || phase == MOMENTS) {
            column_moments(matrix, part, exchange, step);
        }
        if (all) {
            if (member == 0 && threadIdx.x == 0) {
                *next_matrix(counters, groups, group) = drawn;
            }
            meet(arrived(counters, group), ++meetings * members);
        }
        float factors[COLUMNS];
        float scale = 1.0f;
        if (all || phase >= UPDATES) {
            scale = load_factors(row_factors, factors, moment, matrix, part, exchange, step, number);
        }
        if (all || phase == UPDATES) {
            updates(chunk, row_factors, factors, matrix, part, exchange);
        }
        if (all) {
            if (threadIdx.x < MATRIX_WORDS) {
                int following = *next_matrix(counters, groups, group);
                describe(descriptions[1 - turn], matrices, following, end);
                next = following;
            }
            meet(arrived(counters, group), ++meetings * members);
        }
        if (all || phase == APPLICATION) {
            Source ahead = {nullptr, 0};
            if (all && prefetch != 0 && next < end) {
                ahead = source_of<G>(descriptions[1 - turn], member);
            }
            apply(chunk, row_factors, factors, scale, matrix, part, exchange, step, number, ahead);
            loaded = min(gradient.bytes, ahead.bytes);
        }
        turn = 1 - turn;
        number = all ? next : end;
    }
}

// Matrices `first` to `end - 1` by groups of `members` blocks, one phase or all; `prefetch` is 1 where they are to ask for the
// next gradient while they apply one. counters [2 + 2 * groups] begin with zeros; they are null where a launch is one phase, and then
// there are no more matrices than groups.
#define GROUPS_PARAMETERS                                                                                              \
    const Matrix *matrices, int first, int end, int phase, int prefetch, int members, int row_numbers, int *counters, \
        float *exchanges, long long exchange_size, int most_columns, float learning_rate, float decay,     \
        float fresh, float epsilon1, float epsilon2, float clip, int relative, int measure, float *value_squares,      \
        float *next_value_squares, float *gradient_squares

#define GROUPS_WORK(G)                                                                                                 \
    Step step = {learning_rate, decay,   fresh,         epsilon1,          epsilon2, clip,                             \
                 relative,      measure, value_squares, next_value_squares, gradient_squares};                         \
    if (phase == ALL) {                                                                                                \
        work<G, true>(                                                                                                 \
            matrices, first, end, phase, prefetch, members, row_numbers, counters, exchanges, exchange_size,           \
            most_columns, step);                                                                                       \
    } else {                                                                                                           \
        work<G, false>(                                                                                                \
            matrices, first, end, phase, 0, members, row_numbers, nullptr, exchanges, exchange_size, most_columns,     \
            step);                                                                                                     \
    }

extern "C" __global__ void __launch_bounds__(MOST_THREADS, 2) adafactor_groups(GROUPS_PARAMETERS) { GROUPS_WORK(float); }

// Of gradients in bfloat16.
extern "C" __global__ void __launch_bounds__(MOST_THREADS, 2) adafactor_groups_narrow(GROUPS_PARAMETERS) {
    GROUPS_WORK(bf16);
}
