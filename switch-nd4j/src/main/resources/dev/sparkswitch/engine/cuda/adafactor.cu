// Adafactor over all slots in one launch. The floor of a factored parameter is 12 bytes an element: gradient 4, value 4 read
// and 4 written; but three passes are needed (moments, size of the update, application), each of them over a whole parameter.
// So blocks take items of work in an order in which the later passes of a parameter follow its first one closely enough to
// find it in the second-level cache, while the first pass of the next parameters keeps the memory busy. An item waits for
// items that stand before it, which blocks have drawn before it.

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
// Columns of a tile: a warp takes a row of it, a lane eight columns in each of GROUPS places.
constexpr int GROUPS = 4;
constexpr int TILE_COLUMNS = WARP * COLUMNS * GROUPS;
// Columns whose moments are one item: few, for whatever follows waits for the sums over all tiles of rows.
constexpr int MOMENT_COLUMNS = WARP * 4;
// Elements of a tile of an unfactored parameter.
constexpr int TILE_ELEMENTS = THREADS * COLUMNS * 4;

// One parameter as AdafactorPlan writes it. Where it is not factored, row_moments has one entry an element.
struct Slot {
    master_t* value;
    rest_t* rest;
    const float* gradient;
    float* row_moments;
    float* column_moments;
    // Sums of squared gradients: [rows, chunks of columns] and [tiles of rows, columns]
    float* row_squares;
    float* column_squares;
    // 1 / sqrt(moment), of rows relative to their mean
    float* row_factors;
    float* column_factors;
    // Sums of squares of each tile: [2, tiles], of values and of updates
    float* squares;
    long long elements;
    int rows;
    int columns;
    int tile_rows;
    int row_tiles;
    int chunks;
    int tiles;
    int moment_items;
    // The slots, first and last, that used this one's scratch memory before; -1 for none
    int before_first;
    int before_last;
    int padding;
};

// Items of a slot that are done, by kind; kinds in the order of their dependence.
enum Kind { SQUARES, MOMENTS, UPDATES, APPLICATION, KINDS };

struct Step {
    float learning_rate;
    float decay;
    float fresh;
    float epsilon1;
    float epsilon2;
    float clip;
    int relative;
};

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

// The last access to something for this step: it need not stay in a cache.

__device__ __forceinline__ uint4 load16_last(const void* address) {
#ifdef SIMT_EMULATOR
    return load16(address);
#else
    uint4 x;
    asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
                 : "l"(address)
                 : "memory");
    return x;
#endif
}

__device__ __forceinline__ void store16_last(void* address, uint4 x) {
#ifdef SIMT_EMULATOR
    store16(address, x);
#else
    asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(address), "r"(x.x), "r"(x.y), "r"(x.z), "r"(x.w)
                 : "memory");
#endif
}

// The rows and columns of a tile. Rows are numbered over all matrices of the slot; a tile lies in one.
struct Tile {
    int matrix;
    int row_tile;
    int chunk;
    int first_row;
    int last_row;
    int first_column;
    int last_column;
};

__device__ __forceinline__ Tile tile_of(const Slot& slot, int index) {
    Tile tile;
    tile.chunk = index % slot.chunks;
    int row_tile = index / slot.chunks;
    tile.matrix = row_tile / slot.row_tiles;
    tile.row_tile = row_tile % slot.row_tiles;
    int first = tile.row_tile * slot.tile_rows;
    tile.first_row = tile.matrix * slot.rows + first;
    tile.last_row = tile.matrix * slot.rows + min(slot.rows, first + slot.tile_rows);
    tile.first_column = tile.chunk * TILE_COLUMNS;
    tile.last_column = min(slot.columns, tile.first_column + TILE_COLUMNS);
    return tile;
}

__device__ __forceinline__ int lane_column(const Tile& tile, int group) {
    return tile.first_column + (group * WARP + static_cast<int>(threadIdx.x % WARP)) * COLUMNS;
}

// The squares of a tile's gradients by row and by column, and of its values.
__device__ __forceinline__ void squares_of_tile(const Slot& slot, int index, const Step& step) {
    __shared__ float of_warps[WARPS][TILE_COLUMNS];
    Tile tile = tile_of(slot, index);
    int warp = threadIdx.x / WARP;
    float of_columns[GROUPS][COLUMNS] = {};
    float of_values = 0.0f;
    for (int row = tile.first_row + warp; row < tile.last_row; row += WARPS) {
        long long at = static_cast<long long>(row) * slot.columns;
        float of_row = 0.0f;
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            int column = lane_column(tile, group);
            if (column < tile.last_column) {
                float x[COLUMNS];
                load_columns(slot.gradient + at, column, tile.last_column, x);
                float values[COLUMNS] = {};
                if (step.relative != 0) {
                    // The nearest bfloat16 does for a root mean square.
                    load_columns(slot.value + at, column, tile.last_column, values);
                }
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    float square = x[i] * x[i];
                    of_columns[group][i] += square;
                    of_row += square;
                    of_values += values[i] * values[i];
                }
            }
        }
        of_row = warp_sum(of_row);
        if (threadIdx.x % WARP == 0) {
            slot.row_squares[static_cast<long long>(row) * slot.chunks + tile.chunk] = of_row;
        }
    }
#pragma unroll
    for (int group = 0; group < GROUPS; group++) {
        store_columns(of_warps[warp], lane_column(tile, group) - tile.first_column, TILE_COLUMNS, of_columns[group]);
    }
    of_values = block_sum(of_values);
    if (threadIdx.x == 0) {
        slot.squares[index] = of_values;
    }
    float* target = slot.column_squares + (static_cast<long long>(tile.matrix) * slot.row_tiles + tile.row_tile) * slot.columns;
    for (int column = tile.first_column + threadIdx.x; column < tile.last_column; column += THREADS) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < WARPS; i++) {
            sum += of_warps[i][column - tile.first_column];
        }
        target[column] = sum;
    }
}

// The moments of up to MOMENT_COLUMNS columns of a matrix: a lane takes four columns, a warp every eighth tile of rows.
__device__ __forceinline__ void column_moments(const Slot& slot, int matrix, int part, const Step& step) {
    __shared__ float of_warps[WARPS][MOMENT_COLUMNS];
    const float* squares = slot.column_squares + static_cast<long long>(matrix) * slot.row_tiles * slot.columns;
    int first = part * MOMENT_COLUMNS;
    int width = min(MOMENT_COLUMNS, slot.columns - first);
    int lane = threadIdx.x % WARP * 4;
    int warp = threadIdx.x / WARP;
    int column = first + static_cast<int>(threadIdx.x);
    bool mine = threadIdx.x < width;
    long long at = static_cast<long long>(matrix) * slot.columns + column;
    float before = mine ? slot.column_moments[at] : 0.0f;
    float sum[4] = {};
    bool wide = slot.columns % 4 == 0;
#pragma unroll 4
    for (int i = warp; i < slot.row_tiles; i += WARPS) {
        const float* row = squares + static_cast<long long>(i) * slot.columns + first;
        if (wide && lane < width) {
            uint4 four = load16(row + lane);
            sum[0] += __uint_as_float(four.x);
            sum[1] += __uint_as_float(four.y);
            sum[2] += __uint_as_float(four.z);
            sum[3] += __uint_as_float(four.w);
        } else {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                sum[k] += lane + k < width ? row[lane + k] : 0.0f;
            }
        }
    }
#pragma unroll
    for (int k = 0; k < 4; k++) {
        of_warps[warp][lane + k] = sum[k];
    }
    __syncthreads();
    if (mine) {
        float all = 0.0f;
#pragma unroll
        for (int i = 0; i < WARPS; i++) {
            all += of_warps[i][threadIdx.x];
        }
        float moment = step.decay * before + step.fresh * (all / slot.rows + step.epsilon1);
        slot.column_moments[at] = moment;
        slot.column_factors[at] = 1.0f / sqrtf(moment);
    }
}

// The moments of all rows of a matrix and their mean.
__device__ __forceinline__ void row_moments(const Slot& slot, int matrix, const Step& step) {
    long long first = static_cast<long long>(matrix) * slot.rows;
    float total = 0.0f;
#pragma unroll 4
    for (int row = threadIdx.x; row < slot.rows; row += THREADS) {
        float sum = 0.0f;
        for (int chunk = 0; chunk < slot.chunks; chunk++) {
            sum += slot.row_squares[(first + row) * slot.chunks + chunk];
        }
        float moment =
            step.decay * slot.row_moments[first + row] + step.fresh * (sum / slot.columns + step.epsilon1);
        slot.row_moments[first + row] = moment;
        slot.row_factors[first + row] = moment;
        total += moment;
    }
    float mean = block_sum(total) / slot.rows;
#pragma unroll 4
    for (int row = threadIdx.x; row < slot.rows; row += THREADS) {
        slot.row_factors[first + row] = 1.0f / sqrtf(slot.row_factors[first + row] / mean);
    }
}

// A lane's column factors in its tile.
__device__ __forceinline__ void load_factors(const Slot& slot, const Tile& tile, float (&factors)[GROUPS][COLUMNS]) {
#pragma unroll
    for (int group = 0; group < GROUPS; group++) {
        int column = lane_column(tile, group);
        if (column < tile.last_column) {
            load_columns(
                slot.column_factors + static_cast<long long>(tile.matrix) * slot.columns, column, tile.last_column,
                factors[group]);
        }
    }
}

// The sum of squares of a tile's updates before clipping.
__device__ __forceinline__ void updates_of_tile(const Slot& slot, int index) {
    Tile tile = tile_of(slot, index);
    float factors[GROUPS][COLUMNS];
    load_factors(slot, tile, factors);
    float sum = 0.0f;
    for (int row = tile.first_row + threadIdx.x / WARP; row < tile.last_row; row += WARPS) {
        long long at = static_cast<long long>(row) * slot.columns;
        float of_row = slot.row_factors[row];
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            int column = lane_column(tile, group);
            if (column < tile.last_column) {
                float x[COLUMNS];
                load_columns(slot.gradient + at, column, tile.last_column, x);
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    float update = x[i] * (of_row * factors[group][i]);
                    sum += update * update;
                }
            }
        }
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        slot.squares[slot.tiles + index] = sum;
    }
}

// What an update before clipping is multiplied by.
__device__ __forceinline__ float rate(const Slot& slot, const Step& step) {
    float values = 0.0f;
    float updates = 0.0f;
    for (int i = threadIdx.x; i < slot.tiles; i += THREADS) {
        values += slot.squares[i];
        updates += slot.squares[slot.tiles + i];
    }
    float size = static_cast<float>(slot.elements);
    float scale = step.relative != 0 ? fmaxf(step.epsilon2, sqrtf(block_sum(values) / size)) : 1.0f;
    float clip = fmaxf(1.0f, sqrtf(block_sum(updates) / size) / step.clip);
    return -step.learning_rate * scale / clip;
}

// value[at + column ...] += x of eight columns; the last access to both halves.
__device__ __forceinline__ void add_to_value(
    const Slot& slot, long long at, int column, int width, const float (&x)[COLUMNS]) {
    master_t* high = slot.value + at + column;
    float values[COLUMNS];
#ifdef COMPUTE_BF16
    rest_t* low = slot.rest + at + column;
    if (column + COLUMNS <= width && is_aligned(high, 16)) {
        uint4 h = load16_last(high);
        uint4 l = load16_last(low);
        unsigned* hs = &h.x;
        unsigned* ls = &l.x;
#pragma unroll
        for (int i = 0; i < COLUMNS / 2; i++) {
            split2(
                __uint_as_float(join_low(hs[i], ls[i])) + x[2 * i],
                __uint_as_float(join_high(hs[i], ls[i])) + x[2 * i + 1], hs[i], ls[i]);
        }
        store16_last(high, h);
        store16_last(low, l);
        return;
    }
#else
    rest_t* low = nullptr;
#endif
    load_master(high, low, 0, width - column, values);
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        values[i] += x[i];
    }
    store_master(high, low, 0, width - column, values);
}

__device__ __forceinline__ void apply_to_tile(const Slot& slot, int index, const Step& step) {
    Tile tile = tile_of(slot, index);
    float factors[GROUPS][COLUMNS];
    load_factors(slot, tile, factors);
    float factor = rate(slot, step);
    for (int row = tile.first_row + threadIdx.x / WARP; row < tile.last_row; row += WARPS) {
        long long at = static_cast<long long>(row) * slot.columns;
        float of_row = slot.row_factors[row];
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            int column = lane_column(tile, group);
            if (column < tile.last_column) {
                float x[COLUMNS];
                const float* gradient = slot.gradient + at + column;
                if (column + COLUMNS <= tile.last_column && is_aligned(gradient, 16)) {
                    uint4 first = load16_last(gradient);
                    uint4 second = load16_last(gradient + 4);
                    x[0] = __uint_as_float(first.x);
                    x[1] = __uint_as_float(first.y);
                    x[2] = __uint_as_float(first.z);
                    x[3] = __uint_as_float(first.w);
                    x[4] = __uint_as_float(second.x);
                    x[5] = __uint_as_float(second.y);
                    x[6] = __uint_as_float(second.z);
                    x[7] = __uint_as_float(second.w);
                } else {
                    load_columns(gradient, 0, tile.last_column - column, x);
                }
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    x[i] *= of_row * factors[group][i] * factor;
                }
                add_to_value(slot, at, column, tile.last_column, x);
            }
        }
    }
}

// Unfactored: the moments of a tile of elements, and the squares of its values and updates.
__device__ __forceinline__ void squares_of_elements(const Slot& slot, int index, const Step& step) {
    long long first = static_cast<long long>(index) * TILE_ELEMENTS;
    int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
    float of_values = 0.0f;
    float of_updates = 0.0f;
    for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
        float x[COLUMNS];
        float moments[COLUMNS];
        float values[COLUMNS] = {};
        load_columns(slot.gradient + first, at, width, x);
        load_columns(slot.row_moments + first, at, width, moments);
        if (step.relative != 0) {
            load_master(slot.value + first, slot.rest + first, at, width, values);
        }
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            moments[i] = step.decay * moments[i] + step.fresh * (x[i] * x[i] + step.epsilon1);
            float update = at + i < width ? x[i] / sqrtf(moments[i]) : 0.0f;
            of_updates += update * update;
            of_values += values[i] * values[i];
        }
        store_columns(slot.row_moments + first, at, width, moments);
    }
    of_values = block_sum(of_values);
    of_updates = block_sum(of_updates);
    if (threadIdx.x == 0) {
        slot.squares[index] = of_values;
        slot.squares[slot.tiles + index] = of_updates;
    }
}

__device__ __forceinline__ void apply_to_elements(const Slot& slot, int index, const Step& step) {
    long long first = static_cast<long long>(index) * TILE_ELEMENTS;
    int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
    float factor = rate(slot, step);
    for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
        float x[COLUMNS];
        float moments[COLUMNS];
        load_columns(slot.gradient + first, at, width, x);
        load_columns(slot.row_moments + first, at, width, moments);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            x[i] = at + i < width ? factor * x[i] / sqrtf(moments[i]) : 0.0f;
        }
        add_to_value(slot, first, at, width, x);
    }
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
            if (factored) {
                squares_of_tile(slot, index, step);
            } else {
                squares_of_elements(slot, index, step);
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
            updates_of_tile(slot, index);
            signal(of_slot + UPDATES);
            break;
        default:
            if (factored) {
                await(of_slot + UPDATES, slot.tiles);
                apply_to_tile(slot, index, step);
            } else {
                await(of_slot + SQUARES, slot.tiles);
                apply_to_elements(slot, index, step);
            }
            signal(of_slot + APPLICATION);
    }
}

__device__ __forceinline__ Slot& slot_in_shared_memory() {
    __shared__ Slot slot;
    return slot;
}

// Blocks draw items until there are none: a slot in the high half, then a kind, and the number among the slot's items of the
// kind in the low 28 bits. drawn, and done [slots, KINDS], begin with zeros.
extern "C" __global__ void __launch_bounds__(THREADS, 2) adafactor(
    const Slot* slots,
    const unsigned long long* items,
    int count,
    int* drawn,
    int* done,
    float learning_rate,
    float decay,
    float fresh,
    float epsilon1,
    float epsilon2,
    float clip,
    int relative) {
    static_assert(sizeof(Slot) == WARP * sizeof(int), "a lane copies a word");
    Slot& slot = slot_in_shared_memory();
    Step step = {learning_rate, decay, fresh, epsilon1, epsilon2, clip, relative};
    Ahead ahead = begin(items, count, drawn);
    for (;;) {
        unsigned long long item = take(ahead, items, count, drawn, slots, slot);
        if (item == NONE) {
            return;
        }
        work(item, slot, slots, done, step);
    }
}
