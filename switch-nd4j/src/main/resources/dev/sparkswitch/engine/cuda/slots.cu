// Tokens to the slots of their experts and back. A thread takes eight columns of a row.

// slots [slots, width] = x[token of the slot]; zeros in empty slots.
extern "C" __global__ void dispatch(
    const compute_t* x, const int* token_of_slot, compute_t* slots, unsigned items, int width, int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned slot = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        int token = token_of_slot[slot];
        float values[COLUMNS] = {};
        if (token >= 0) {
            load_columns(x + static_cast<long long>(token) * width, column, width, values);
        }
        store_columns(slots + static_cast<long long>(slot) * width, column, width, values);
    }
}

// y[t] = sum over the token's slots of gate * slots; gates are 1 where there are none.
extern "C" __global__ void gather_slots(
    const compute_t* slots,
    const float* gates,
    const int* slots_of_token,
    int choices,
    compute_t* y,
    unsigned items,
    int width,
    int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned token = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        float sum[COLUMNS] = {};
        for (int choice = 0; choice < choices; choice++) {
            int slot = slots_of_token[static_cast<long long>(token) * choices + choice];
            if (slot >= 0) {
                float gate = gates == nullptr ? 1.0f : gates[slot];
                float values[COLUMNS];
                load_columns(slots + static_cast<long long>(slot) * width, column, width, values);
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    sum[i] += gate * values[i];
                }
            }
        }
        store_columns(y + static_cast<long long>(token) * width, column, width, sum);
    }
}

// d_slots = gate * dy[token], d_gates = dy[token] . slots; a team of threads takes a slot.
extern "C" __global__ void combine_backward(
    const compute_t* dy,
    const compute_t* slots,
    const int* token_of_slot,
    const float* gates,
    compute_t* d_slots,
    float* d_gates,
    int rows,
    int width,
    int team) {
    __shared__ float sums[2][WARP];
    int teams = blockDim.x / team;
    int turn = 0;
    for (int first = blockIdx.x * teams; first < rows; first += gridDim.x * teams) {
        int slot = first + threadIdx.x / team;
        int token = slot < rows ? token_of_slot[slot] : -1;
        float product = 0.0f;
        for (int column = threadIdx.x % team * COLUMNS; slot < rows && column < width; column += team * COLUMNS) {
            float gradient[COLUMNS] = {};
            if (token >= 0) {
                float values[COLUMNS];
                load_columns(dy + static_cast<long long>(token) * width, column, width, gradient);
                load_columns(slots + static_cast<long long>(slot) * width, column, width, values);
                float gate = gates[slot];
#pragma unroll
                for (int i = 0; i < COLUMNS; i++) {
                    product += gradient[i] * values[i];
                    gradient[i] *= gate;
                }
            }
            store_columns(d_slots + static_cast<long long>(slot) * width, column, width, gradient);
        }
        product = team_sum(product, team, sums[turn]);
        turn ^= 1;
        if (slot < rows && threadIdx.x % team == 0) {
            d_gates[slot] = product;
        }
    }
}
