// Adafactor over all slots in one launch. The floor of a factored parameter is 12 bytes an element: gradient 4, value 4 read
// and 4 written; but three passes are needed (moments, size of the update, application), each of them over a whole parameter.
// So blocks take items of work in an order in which the later passes of a parameter follow its first one closely enough to
// find its gradient in the second-level cache, while the first pass of the next parameters keeps the memory busy. An item
// waits for items that stand before it, which blocks have drawn before it. The size of a value that the learning rate is
// relative to is summed when values are written, for the next step.

#include "adafactor-slots.cuh"
#include "adafactor-passes.cuh"

__device__ __forceinline__ void signal(int* done) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(done, 1);
    }
}

__device__ __forceinline__ void await(const int* done, int items) {
    if (threadIdx.x == 0) {
#ifdef SIMT_EMULATOR
        if (*done < items) {
            simt::fail("an item waits for one that stands after it");
        }
#else
        int found;
        do {
            asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(found) : "l"(done) : "memory");
        } while (found < items);
#endif
    }
    __syncthreads();
}

// No more items.
constexpr unsigned long long NONE = ~0ull;

__device__ __forceinline__ unsigned long long item_at(const unsigned long long* items, int index, int count) {
    return index < count ? items[index] : NONE;
}

// The first warp's look ahead, in its first lane: the next item, and the number of the one after it. Both are asked for while
// the block is at work. Whoever waits for an item waits for a block that is at work on it or on one before it.
struct Ahead {
    unsigned long long next;
    int second;
};

__device__ __forceinline__ Ahead begin(const unsigned long long* items, int count, int* drawn) {
    Ahead ahead = {NONE, 0};
    if (threadIdx.x == 0) {
        int first = atomicAdd(drawn, 1);
        ahead.second = atomicAdd(drawn, 1);
        ahead.next = item_at(items, first, count);
    }
    return ahead;
}

// The block's next item and, where there is one, its slot.
__device__ __forceinline__ unsigned long long take(
    Ahead& ahead, const unsigned long long* items, int count, int* drawn, const Slot* slots, Slot& slot) {
    __shared__ unsigned long long own;
    // Others may still read the slot before.
    __syncthreads();
    if (threadIdx.x < WARP) {
        unsigned low = __shfl_sync(ALL_LANES, static_cast<unsigned>(ahead.next), 0);
        unsigned high = __shfl_sync(ALL_LANES, static_cast<unsigned>(ahead.next >> 32), 0);
        unsigned long long item = static_cast<unsigned long long>(high) << 32 | low;
        if (item != NONE) {
            reinterpret_cast<int*>(&slot)[threadIdx.x] = reinterpret_cast<const int*>(slots + high)[threadIdx.x];
        }
        if (threadIdx.x == 0) {
            own = item;
            ahead.next = item_at(items, ahead.second, count);
            ahead.second = atomicAdd(drawn, 1);
        }
    }
    __syncthreads();
    return own;
}

template <class G>
__device__ __forceinline__ void work(
    unsigned long long item, const Slot& slot, const Slot* slots, int* done, const Step& step) {
    int number = static_cast<int>(item >> 32);
    int index = static_cast<int>(item & 0xfffffff);
    int* of_slot = done + static_cast<long long>(number) * KINDS;
    bool factored = slot.column_moments != nullptr;
    switch (static_cast<int>(item >> 28 & 0xf)) {
        case SQUARES:
            for (int before = slot.before_first; before >= 0 && before <= slot.before_last; before++) {
                await(done + static_cast<long long>(before) * KINDS + APPLICATION, slots[before].tiles);
            }
            if (step.measure != 0) {
                measure_tile(slot, index, factored, step);
            }
            if (factored) {
                squares_of_tile<G>(slot, index, step);
            } else {
                squares_of_elements<G>(slot, index, step);
            }
            signal(of_slot + SQUARES);
            break;
        case MOMENTS: {
            await(of_slot + SQUARES, slot.tiles);
            int column_items = (slot.columns + MOMENT_COLUMNS - 1) / MOMENT_COLUMNS;
            int matrix = index / (column_items + 1);
            int part = index % (column_items + 1);
            if (part < column_items) {
                column_moments(slot, matrix, part, step);
            } else {
                row_moments(slot, matrix, step);
            }
            signal(of_slot + MOMENTS);
            break;
        }
        case UPDATES:
            await(of_slot + MOMENTS, slot.moment_items);
            updates_of_tile<G>(slot, index);
            signal(of_slot + UPDATES);
            break;
        default:
            if (factored) {
                await(of_slot + UPDATES, slot.tiles);
                apply_to_tile<G>(slot, index, step);
            } else {
                await(of_slot + SQUARES, slot.tiles);
                apply_to_elements<G>(slot, index, step);
            }
            signal(of_slot + APPLICATION);
    }
}

__device__ __forceinline__ Slot& slot_in_shared_memory() {
    __shared__ Slot slot;
    return slot;
}

template <class G>
__device__ __forceinline__ void work_all(
    const Slot* slots, const unsigned long long* items, int count, int* drawn, int* done, const Step& step) {
    static_assert(sizeof(Slot) == WARP * sizeof(int), "a lane copies a word");
    Slot& slot = slot_in_shared_memory();
    Ahead ahead = begin(items, count, drawn);
    for (;;) {
        unsigned long long item = take(ahead, items, count, drawn, slots, slot);
        if (item == NONE) {
            return;
        }
        work<G>(item, slot, slots, done, step);
    }
}

// Blocks draw items until there are none: a slot in the high half, then a kind, and the number among the slot's items of the
// kind in the low 28 bits. drawn, and done [slots, KINDS], begin with zeros.
#define ADAFACTOR_PARAMETERS                                                                                           \
    const Slot *slots, const unsigned long long *items, int count, int *drawn, int *done, float learning_rate,         \
        float decay, float fresh, float epsilon1, float epsilon2, float clip, int relative, int measure,               \
        float *value_squares, float *next_value_squares, float *gradient_squares

#define ADAFACTOR_STEP                                                                                                 \
    Step {                                                                                                             \
        learning_rate, decay, fresh, epsilon1, epsilon2, clip, relative, measure, value_squares, next_value_squares,   \
            gradient_squares                                                                                           \
    }

extern "C" __global__ void __launch_bounds__(THREADS, 2) adafactor(ADAFACTOR_PARAMETERS) {
    work_all<float>(slots, items, count, drawn, done, ADAFACTOR_STEP);
}

// Of gradients in bfloat16.
extern "C" __global__ void __launch_bounds__(THREADS, 2) adafactor_narrow(ADAFACTOR_PARAMETERS) {
    work_all<bf16>(slots, items, count, drawn, done, ADAFACTOR_STEP);
}
