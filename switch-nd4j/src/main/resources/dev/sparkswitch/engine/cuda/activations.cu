// Non-linearities of feed-forward layers with the dropout after them, and their gradients; a thread takes eight columns.

constexpr float SQRT_2_OVER_PI = 0.7978845608028654f;
constexpr float CUBIC = 0.044715f;

// sigmoid(2 inner(x)) with tanh's argument inner: gelu(x) = 0.5 x (1 + tanh(inner)) is x times it, without cancellation.
__device__ __forceinline__ float gelu_gate(float x) {
    float inner = SQRT_2_OVER_PI * (x + CUBIC * x * x * x);
    return 1.0f / (1.0f + fast_exp(-2.0f * inner));
}

__device__ __forceinline__ float gelu_slope(float x, float gate) {
    float slope = 2.0f * SQRT_2_OVER_PI * (1.0f + 3.0f * CUBIC * x * x);
    return gate + x * gate * (1.0f - gate) * slope;
}

// Where a thread's columns lie.
struct Place {
    long long row;
    int column;
    unsigned long long element;
    bool inside;
};

__device__ __forceinline__ Place place(
    unsigned items, int width, int items_a_row, int rows_in_plane, const Dropout& dropout) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    Place place;
    place.inside = item < items;
    unsigned row = item / items_a_row;
    place.row = row;
    place.column = static_cast<int>(item % items_a_row) * COLUMNS;
    place.element = dropout.element(row / rows_in_plane, row % rows_in_plane, width) + place.column;
    return place;
}

extern "C" __global__ void relu(
    const compute_t* x, Dropout dropout, compute_t* y, unsigned items, int width, int items_a_row, int rows_in_plane) {
    Place at = place(items, width, items_a_row, rows_in_plane, dropout);
    if (at.inside) {
        float values[COLUMNS];
        load_columns(x + at.row * width, at.column, width, values);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            // Not fmaxf, which would hide NaN.
            values[i] = values[i] < 0.0f ? 0.0f : values[i];
        }
        drop(values, dropout, at.element);
        store_columns(y + at.row * width, at.column, width, values);
    }
}

extern "C" __global__ void relu_backward(
    const compute_t* dy,
    const compute_t* x,
    Dropout dropout,
    compute_t* dx,
    unsigned items,
    int width,
    int items_a_row,
    int rows_in_plane) {
    Place at = place(items, width, items_a_row, rows_in_plane, dropout);
    if (at.inside) {
        float gradient[COLUMNS];
        float values[COLUMNS];
        load_columns(dy + at.row * width, at.column, width, gradient);
        load_columns(x + at.row * width, at.column, width, values);
        drop(gradient, dropout, at.element);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            gradient[i] = values[i] > 0.0f ? gradient[i] : 0.0f;
        }
        store_columns(dx + at.row * width, at.column, width, gradient);
    }
}

// relu with its dropout, in place. mask [rows, width] becomes a bit an element: 1 where it was let through, the first element
// of eight in the lowest bit of their byte. The width is a multiple of eight.
extern "C" __global__ void relu_masked(
    compute_t* x,
    Dropout dropout,
    unsigned char* mask,
    unsigned items,
    int width,
    int items_a_row,
    int rows_in_plane) {
    Place at = place(items, width, items_a_row, rows_in_plane, dropout);
    if (at.inside) {
        float values[COLUMNS];
        compute_t* own = x + at.row * width + at.column;
        load8(own, values);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            values[i] = values[i] < 0.0f ? 0.0f : values[i];
        }
        drop(values, dropout, at.element);
        unsigned passed = 0;
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            passed |= values[i] > 0.0f ? 1u << i : 0u;
        }
        store8(own, values);
        mask[(at.row * width + at.column) / COLUMNS] = static_cast<unsigned char>(passed);
    }
}

// dy becomes dx: scaled as relu_masked's dropout did, and zero where its mask says so.
extern "C" __global__ void relu_masked_backward(
    compute_t* dy, const unsigned char* mask, float scale, unsigned items) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        float values[COLUMNS];
        compute_t* own = dy + static_cast<long long>(item) * COLUMNS;
        load8(own, values);
        unsigned passed = mask[item];
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            values[i] = passed >> i & 1 ? values[i] * scale : 0.0f;
        }
        store8(own, values);
    }
}

extern "C" __global__ void gated_gelu(
    const compute_t* x, Dropout dropout, compute_t* y, unsigned items, int width, int items_a_row, int rows_in_plane) {
    Place at = place(items, width, items_a_row, rows_in_plane, dropout);
    if (at.inside) {
        float values[COLUMNS];
        float factor[COLUMNS];
        load_columns(x + at.row * 2 * width, at.column, width, values);
        load_columns(x + (at.row * 2 + 1) * width, at.column, width, factor);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            values[i] *= gelu_gate(values[i]) * factor[i];
        }
        drop(values, dropout, at.element);
        store_columns(y + at.row * width, at.column, width, values);
    }
}

extern "C" __global__ void gated_gelu_backward(
    const compute_t* dy,
    const compute_t* x,
    Dropout dropout,
    compute_t* dx,
    unsigned items,
    int width,
    int items_a_row,
    int rows_in_plane) {
    Place at = place(items, width, items_a_row, rows_in_plane, dropout);
    if (at.inside) {
        float gradient[COLUMNS];
        float values[COLUMNS];
        float factor[COLUMNS];
        load_columns(dy + at.row * width, at.column, width, gradient);
        load_columns(x + at.row * 2 * width, at.column, width, values);
        load_columns(x + (at.row * 2 + 1) * width, at.column, width, factor);
        drop(gradient, dropout, at.element);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            float gate = gelu_gate(values[i]);
            float of_value = gradient[i] * factor[i] * gelu_slope(values[i], gate);
            factor[i] = gradient[i] * values[i] * gate;
            values[i] = of_value;
        }
        store_columns(dx + at.row * 2 * width, at.column, width, values);
        store_columns(dx + (at.row * 2 + 1) * width, at.column, width, factor);
    }
}
