// The passes of Adafactor over tiles of a parameter: moments, the size of the update, application.

// The squares of a tile's gradients by row and by column.
template <class G>
__device__ __forceinline__ void squares_of_tile(const Slot& slot, int index, const Step& step) {
    __shared__ float of_warps[WARPS][TILE_COLUMNS];
    Tile tile = tile_of(slot, index);
    int warp = threadIdx.x / WARP;
    float of_columns[GROUPS][COLUMNS] = {};
    float all = 0.0f;
    for (int row = tile.first_row + warp; row < tile.last_row; row += WARPS) {
        long long at = static_cast<long long>(row) * slot.columns;
        float of_row = 0.0f;
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            int column = lane_column(tile, group);
            if (column < tile.last_column) {
                float x[COLUMNS];
                load_columns(static_cast<const G*>(slot.gradient) + at, column, tile.last_column, x);
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    float square = x[i] * x[i];
                    of_columns[group][i] += square;
                    of_row += square;
                }
            }
        }
        all += of_row;
        of_row = warp_sum(of_row);
        if (threadIdx.x % WARP == 0) {
            slot.row_squares[static_cast<long long>(row) * slot.chunks + tile.chunk] = of_row;
        }
    }
#pragma unroll
    for (int group = 0; group < GROUPS; group++) {
        store_columns(of_warps[warp], lane_column(tile, group) - tile.first_column, TILE_COLUMNS, of_columns[group]);
    }
    __syncthreads();
    float* target = slot.column_squares + (static_cast<long long>(tile.matrix) * slot.row_tiles + tile.row_tile) * slot.columns;
    for (int column = tile.first_column + threadIdx.x; column < tile.last_column; column += THREADS) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < WARPS; i++) {
            sum += of_warps[i][column - tile.first_column];
        }
        target[column] = sum;
    }
    keep_gradient_squares(step, slot.first_tile + index, all);
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
template <class G>
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
                load_columns(static_cast<const G*>(slot.gradient) + at, column, tile.last_column, x);
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
        slot.update_squares[index] = sum;
    }
}

// What an update before clipping is multiplied by.
__device__ __forceinline__ float rate(const Slot& slot, const Step& step) {
    float values = 0.0f;
    float updates = 0.0f;
    for (int i = threadIdx.x; i < slot.tiles; i += THREADS) {
        values += step.relative != 0 ? step.value_squares[slot.first_tile + i] : 0.0f;
        updates += slot.update_squares[i];
    }
    float size = static_cast<float>(slot.elements);
    float scale = step.relative != 0 ? fmaxf(step.epsilon2, sqrtf(block_sum(values) / size)) : 1.0f;
    float clip = fmaxf(1.0f, sqrtf(block_sum(updates) / size) / step.clip);
    return -step.learning_rate * scale / clip;
}

// value[at + column ...] += x of eight columns; the last access to both halves. Returns the sum of the new squares.
__device__ __forceinline__ float add_to_value(
    const Slot& slot, long long at, int column, int width, const float (&x)[COLUMNS]) {
    master_t* high = slot.value + at + column;
    float values[COLUMNS];
    float squares = 0.0f;
#ifdef COMPUTE_BF16
    rest_t* low = slot.rest + at + column;
    if (column + COLUMNS <= width && is_aligned(high, 16)) {
        uint4 h = load16_last(high);
        uint4 l = load16_last(low);
        unsigned* hs = &h.x;
        unsigned* ls = &l.x;
#pragma unroll
        for (int i = 0; i < COLUMNS / 2; i++) {
            float first = __uint_as_float(join_low(hs[i], ls[i])) + x[2 * i];
            float second = __uint_as_float(join_high(hs[i], ls[i])) + x[2 * i + 1];
            squares += first * first;
            squares += second * second;
            split2(first, second, hs[i], ls[i]);
        }
        store16_last(high, h);
        store16_last(low, l);
        return squares;
    }
#else
    rest_t* low = nullptr;
#endif
    load_master(high, low, 0, width - column, values);
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
        values[i] += x[i];
        squares += values[i] * values[i];
    }
    store_master(high, low, 0, width - column, values);
    return squares;
}

// Keeps what the next step needs to know of a tile's values.
__device__ __forceinline__ void keep_squares(const Slot& slot, int index, const Step& step, float squares) {
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        step.next_value_squares[slot.first_tile + index] = squares;
    }
}

template <class G>
__device__ __forceinline__ void apply_to_tile(const Slot& slot, int index, const Step& step) {
    Tile tile = tile_of(slot, index);
    float factors[GROUPS][COLUMNS];
    load_factors(slot, tile, factors);
    float factor = rate(slot, step);
    float squares = 0.0f;
    for (int row = tile.first_row + threadIdx.x / WARP; row < tile.last_row; row += WARPS) {
        long long at = static_cast<long long>(row) * slot.columns;
        float of_row = slot.row_factors[row];
#pragma unroll
        for (int group = 0; group < GROUPS; group++) {
            int column = lane_column(tile, group);
            if (column < tile.last_column) {
                float x[COLUMNS];
                const G* gradient = static_cast<const G*>(slot.gradient) + at + column;
                if (column + COLUMNS <= tile.last_column && is_aligned(gradient, 16)) {
                    load8_last(gradient, x);
                } else {
                    load_columns(gradient, 0, tile.last_column - column, x);
                }
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    x[i] *= of_row * factors[group][i] * factor;
                }
                squares += add_to_value(slot, at, column, tile.last_column, x);
            }
        }
    }
    keep_squares(slot, index, step, squares);
}

// The squares of a tile's values, summed in the order of the kept ones.
__device__ __forceinline__ void measure_tile(const Slot& slot, int index, bool factored, const Step& step) {
    float squares = 0.0f;
    float values[COLUMNS];
    if (factored) {
        Tile tile = tile_of(slot, index);
        for (int row = tile.first_row + threadIdx.x / WARP; row < tile.last_row; row += WARPS) {
            long long at = static_cast<long long>(row) * slot.columns;
            for (int group = 0; group < GROUPS; group++) {
                int column = lane_column(tile, group);
                if (column < tile.last_column) {
                    load_master(slot.value + at, slot.rest + at, column, tile.last_column, values);
                    squares += sum_of_squares(values);
                }
            }
        }
    } else {
        long long first = static_cast<long long>(index) * TILE_ELEMENTS;
        int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
        for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
            load_master(slot.value + first, slot.rest + first, at, width, values);
            squares += sum_of_squares(values);
        }
    }
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        step.value_squares[slot.first_tile + index] = squares;
    }
}

// Unfactored: the moments of a tile of elements, and the squares of its updates.
template <class G>
__device__ __forceinline__ void squares_of_elements(const Slot& slot, int index, const Step& step) {
    long long first = static_cast<long long>(index) * TILE_ELEMENTS;
    int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
    float of_updates = 0.0f;
    float of_gradients = 0.0f;
    for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
        float x[COLUMNS];
        float moments[COLUMNS];
        load_columns(static_cast<const G*>(slot.gradient) + first, at, width, x);
        load_columns(slot.row_moments + first, at, width, moments);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            moments[i] = step.decay * moments[i] + step.fresh * (x[i] * x[i] + step.epsilon1);
            of_gradients += x[i] * x[i];
            float update = at + i < width ? x[i] / sqrtf(moments[i]) : 0.0f;
            of_updates += update * update;
        }
        store_columns(slot.row_moments + first, at, width, moments);
    }
    of_updates = block_sum(of_updates);
    if (threadIdx.x == 0) {
        slot.update_squares[index] = of_updates;
    }
    keep_gradient_squares(step, slot.first_tile + index, of_gradients);
}

template <class G>
__device__ __forceinline__ void apply_to_elements(const Slot& slot, int index, const Step& step) {
    long long first = static_cast<long long>(index) * TILE_ELEMENTS;
    int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
    float factor = rate(slot, step);
    float squares = 0.0f;
    for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
        float x[COLUMNS];
        float moments[COLUMNS];
        load_columns(static_cast<const G*>(slot.gradient) + first, at, width, x);
        load_columns(slot.row_moments + first, at, width, moments);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            x[i] = at + i < width ? factor * x[i] / sqrtf(moments[i]) : 0.0f;
        }
        squares += add_to_value(slot, first, at, width, x);
    }
    keep_squares(slot, index, step, squares);
}
