// AdamW over all slots in one launch: 28 bytes an element (26 with a gradient in bfloat16), read and written
// once.

constexpr int THREADS = 256;
constexpr int TILE_ELEMENTS = THREADS * COLUMNS * 4;

// One parameter as AdamWPlan writes it.
struct Slot {
    master_t* value;
    rest_t* rest;
    const void* gradient;
    float* first_moments;
    float* second_moments;
    long long elements;
    // Whether the gradient is in bfloat16, otherwise in float32
    long long narrow;
};

// A block takes TILE_ELEMENTS elements of a slot: item = slot in the high half, tile in the low one. Where somebody asks,
// gradient_squares [items] becomes the sum of squares of the gradients of each.
extern "C" __global__ void __launch_bounds__(THREADS) adamw(
    const Slot* slots,
    const unsigned long long* items,
    float keep,
    float rate,
    float second_scale,
    float beta1,
    float fresh1,
    float beta2,
    float fresh2,
    float epsilon,
    float* gradient_squares) {
    unsigned long long item = items[blockIdx.x];
    Slot slot = slots[item >> 32];
    long long first = static_cast<long long>(item & 0xffffffffu) * TILE_ELEMENTS;
    int width = static_cast<int>(min(static_cast<long long>(TILE_ELEMENTS), slot.elements - first));
    float squares = 0.0f;
    for (int at = threadIdx.x * COLUMNS; at < width; at += THREADS * COLUMNS) {
        float gradient[COLUMNS];
        float value[COLUMNS];
        float mean[COLUMNS];
        float square[COLUMNS];
        if (slot.narrow != 0) {
            load_columns(static_cast<const bf16*>(slot.gradient) + first, at, width, gradient);
        } else {
            load_columns(static_cast<const float*>(slot.gradient) + first, at, width, gradient);
        }
        load_columns(slot.first_moments + first, at, width, mean);
        load_columns(slot.second_moments + first, at, width, square);
        load_master(slot.value + first, slot.rest + first, at, width, value);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            mean[i] = beta1 * mean[i] + fresh1 * gradient[i];
            square[i] = beta2 * square[i] + fresh2 * gradient[i] * gradient[i];
            squares += gradient[i] * gradient[i];
            float root = sqrtf(square[i]) * second_scale + epsilon;
            value[i] = keep * value[i] - rate * mean[i] / root;
        }
        store_columns(slot.first_moments + first, at, width, mean);
        store_columns(slot.second_moments + first, at, width, square);
        store_master(slot.value + first, slot.rest + first, at, width, value);
    }
    if (gradient_squares != nullptr) {
        squares = block_sum(squares);
        if (threadIdx.x == 0) {
            gradient_squares[blockIdx.x] = squares;
        }
    }
}
