// Attention in float32 arithmetic for any head size: for engines that compute in float32, and for heads too wide for the
// kernels on tensor cores. A warp takes a query (or a key, for the gradients of keys and values); its lanes take 32 of the
// others at a time for scores, and then columns for sums.

constexpr int WARPS = 4;

struct Problem {
    const compute_t* q;
    const compute_t* k;
    const compute_t* v;
    const float* bias;
    const int* query_segments;
    const int* key_segments;
    int q_stride;
    int k_stride;
    int v_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;
    Dropout dropout;

    __device__ __forceinline__ const compute_t* q_at(int row, int head, int query) const {
        return q + (static_cast<long long>(row) * queries + query) * q_stride + head * head_size;
    }

    __device__ __forceinline__ const compute_t* k_at(int row, int head, int key) const {
        return k + (static_cast<long long>(row) * keys + key) * k_stride + head * head_size;
    }

    __device__ __forceinline__ const compute_t* v_at(int row, int head, int key) const {
        return v + (static_cast<long long>(row) * keys + key) * v_stride + head * head_size;
    }

    // A query's number among all rows and heads.
    __device__ __forceinline__ long long line(int row, int head, int query) const {
        return (static_cast<long long>(row) * heads + head) * queries + query;
    }

    // Of results and their gradients, which have no other columns beside them.
    __device__ __forceinline__ long long result_at(int row, int head, int query) const {
        return ((static_cast<long long>(row) * queries + query) * heads + head) * head_size;
    }

    __device__ __forceinline__ bool sees(int row, int query, int key) const {
        int segment = query_segments[static_cast<long long>(row) * queries + query];
        return segment != 0 && segment == key_segments[static_cast<long long>(row) * keys + key] &&
               (!causal || key <= query);
    }

    __device__ __forceinline__ float bias_of(int head, int query, int key) const {
        return bias == nullptr ? 0.0f : bias[static_cast<long long>(head) * (queries + keys - 1) + key - query + queries - 1];
    }

    // What dropout multiplies a probability with.
    __device__ __forceinline__ float factor(int row, int head, int query, int key) const {
        return dropout.active() ? dropout.factor_of(dropout.element(0, line(row, head, query), keys) + key) : 1.0f;
    }
};

template <class A, class B>
__device__ __forceinline__ float dot(const A* a, const B* b, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) {
        sum += to_float(a[i]) * to_float(b[i]);
    }
    return sum;
}

// sums[column] = sums[column] * factor + the weighted sum of `count` rows that begin at `rows`.
__device__ __forceinline__ void add_rows(
    float* sums, float factor, const float* weights, const compute_t* rows, long long stride, int count, int width, int lane) {
    for (int column = lane; column < width; column += WARP) {
        float sum = sums[column] * factor;
        for (int i = 0; i < count; i++) {
            sum += weights[i] * to_float(rows[i * stride + column]);
        }
        sums[column] = sum;
    }
}

#define PARAMETERS                                                                                                     \
    const compute_t *q, const compute_t *k, const compute_t *v, const float *bias, const int *query_segments,          \
        const int *key_segments, int q_stride, int k_stride, int v_stride, int heads, int head_size, int queries,      \
        int keys, int causal, Dropout dropout

#define OPERANDS                                                                                                       \
    Problem {                                                                                                          \
        q, k, v, bias, query_segments, key_segments, q_stride, k_stride, v_stride, heads, head_size, queries, keys,    \
            causal, dropout                                                                                            \
    }

extern "C" __global__ void __launch_bounds__(128) attention_plain_forward(
    PARAMETERS, compute_t* result, float* log_sums) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(float, shared);
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int query = blockIdx.x * WARPS + warp;
    int head = blockIdx.y;
    int row = blockIdx.z;
    if (query >= queries) {
        return;
    }
    float* own = shared + warp * (2 * head_size + WARP);
    float* sums = own + head_size;
    float* weights = sums + head_size;
    for (int i = lane; i < head_size; i += WARP) {
        own[i] = to_float(in.q_at(row, head, query)[i]);
        sums[i] = 0;
    }
    __syncwarp();
    float maximum = -__int_as_float(0x7f800000);
    float total = 0;
    for (int first = 0; first < keys; first += WARP) {
        int key = first + lane;
        bool sees = key < keys && in.sees(row, query, key);
        float score = sees ? dot(own, in.k_at(row, head, key), head_size) + in.bias_of(head, query, key)
                           : -__int_as_float(0x7f800000);
        float highest = fmaxf(maximum, warp_max(score));
        if (highest == -__int_as_float(0x7f800000)) {
            continue;
        }
        float shrink = expf(maximum - highest);
        maximum = highest;
        float probability = sees ? expf(score - maximum) : 0.0f;
        total = total * shrink + warp_sum(probability);
        weights[lane] = sees ? probability * in.factor(row, head, query, key) : 0.0f;
        __syncwarp();
        add_rows(sums, shrink, weights, in.v_at(row, head, first), v_stride, min(WARP, keys - first), head_size, lane);
        __syncwarp();
    }
    for (int i = lane; i < head_size; i += WARP) {
        store(result + in.result_at(row, head, query) + i, total > 0 ? sums[i] / total : 0.0f);
    }
    if (lane == 0) {
        log_sums[in.line(row, head, query)] = total > 0 ? maximum + logf(total) : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(128) attention_plain_dq(
    PARAMETERS, const compute_t* result, const compute_t* d_result, const float* log_sums, float* deltas, compute_t* dq,
    int dq_stride) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(float, shared);
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int query = blockIdx.x * WARPS + warp;
    int head = blockIdx.y;
    int row = blockIdx.z;
    if (query >= queries) {
        return;
    }
    float* own = shared + warp * (3 * head_size + WARP);
    float* gradient = own + head_size;
    float* sums = gradient + head_size;
    float* weights = sums + head_size;
    float delta = 0;
    for (int i = lane; i < head_size; i += WARP) {
        long long at = in.result_at(row, head, query) + i;
        own[i] = to_float(in.q_at(row, head, query)[i]);
        gradient[i] = to_float(d_result[at]);
        sums[i] = 0;
        delta += to_float(result[at]) * gradient[i];
    }
    // Exchanging values between lanes orders no memory.
    __syncwarp();
    delta = warp_sum(delta);
    long long line = in.line(row, head, query);
    if (lane == 0) {
        deltas[line] = delta;
    }
    for (int first = 0; first < keys; first += WARP) {
        int key = first + lane;
        float d_score = 0;
        if (key < keys && in.sees(row, query, key)) {
            float score = dot(own, in.k_at(row, head, key), head_size) + in.bias_of(head, query, key);
            float d_probability =
                dot(gradient, in.v_at(row, head, key), head_size) * in.factor(row, head, query, key);
            d_score = expf(score - log_sums[line]) * (d_probability - delta);
        }
        weights[lane] = d_score;
        __syncwarp();
        add_rows(sums, 1.0f, weights, in.k_at(row, head, first), k_stride, min(WARP, keys - first), head_size, lane);
        __syncwarp();
    }
    for (int i = lane; i < head_size; i += WARP) {
        store(dq + (static_cast<long long>(row) * queries + query) * dq_stride + head * head_size + i, sums[i]);
    }
}

extern "C" __global__ void __launch_bounds__(128) attention_plain_dkv(
    PARAMETERS, const compute_t* d_result, const float* log_sums, const float* deltas, compute_t* dk, compute_t* dv,
    int dk_stride, int dv_stride) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(float, shared);
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int key = blockIdx.x * WARPS + warp;
    int head = blockIdx.y;
    int row = blockIdx.z;
    if (key >= keys) {
        return;
    }
    float* own_key = shared + warp * (4 * head_size + 2 * WARP);
    float* own_value = own_key + head_size;
    float* key_sums = own_value + head_size;
    float* value_sums = key_sums + head_size;
    float* d_scores = value_sums + head_size;
    float* weights = d_scores + WARP;
    for (int i = lane; i < head_size; i += WARP) {
        own_key[i] = to_float(in.k_at(row, head, key)[i]);
        own_value[i] = to_float(in.v_at(row, head, key)[i]);
        key_sums[i] = 0;
        value_sums[i] = 0;
    }
    __syncwarp();
    for (int first = 0; first < queries; first += WARP) {
        int query = first + lane;
        float d_score = 0;
        float weight = 0;
        if (query < queries && in.sees(row, query, key)) {
            long long line = in.line(row, head, query);
            float score = dot(own_key, in.q_at(row, head, query), head_size) + in.bias_of(head, query, key);
            float factor = in.factor(row, head, query, key);
            float d_probability = dot(own_value, d_result + in.result_at(row, head, query), head_size) * factor;
            float probability = expf(score - log_sums[line]);
            d_score = probability * (d_probability - deltas[line]);
            weight = probability * factor;
        }
        d_scores[lane] = d_score;
        weights[lane] = weight;
        __syncwarp();
        int count = min(WARP, queries - first);
        add_rows(key_sums, 1.0f, d_scores, in.q_at(row, head, first), q_stride, count, head_size, lane);
        add_rows(
            value_sums, 1.0f, weights, d_result + in.result_at(row, head, first), static_cast<long long>(heads) * head_size,
            count, head_size, lane);
        __syncwarp();
    }
    for (int i = lane; i < head_size; i += WARP) {
        long long at = static_cast<long long>(row) * keys + key;
        store(dk + at * dk_stride + head * head_size + i, key_sums[i]);
        store(dv + at * dv_stride + head * head_size + i, value_sums[i]);
    }
}

// d_bias[head, column] += the sum over all pairs of that distance. A warp takes a column; nothing is kept from the passes
// before, so that no matrix of scores is.
extern "C" __global__ void __launch_bounds__(128) attention_plain_bias_gradient(
    PARAMETERS, const compute_t* d_result, const float* log_sums, const float* deltas, float* d_bias, int rows) {
    const Problem in = OPERANDS;
    int lane = threadIdx.x % WARP;
    int column = blockIdx.x * WARPS + threadIdx.x / WARP;
    int head = blockIdx.y;
    int columns = queries + keys - 1;
    if (column >= columns) {
        return;
    }
    int first = max(0, queries - 1 - column);
    int last = min(queries, keys + queries - 1 - column);
    float sum = 0;
    for (int row = 0; row < rows; row++) {
        for (int query = first + lane; query < last; query += WARP) {
            int key = column - (queries - 1) + query;
            if (in.sees(row, query, key)) {
                long long line = in.line(row, head, query);
                const compute_t* q_row = in.q_at(row, head, query);
                float score = dot(q_row, in.k_at(row, head, key), head_size) + in.bias_of(head, query, key);
                float d_probability =
                    dot(d_result + in.result_at(row, head, query), in.v_at(row, head, key), head_size) *
                    in.factor(row, head, query, key);
                sum += expf(score - log_sums[line]) * (d_probability - deltas[line]);
            }
        }
    }
    sum = warp_sum(sum);
    if (lane == 0) {
        d_bias[static_cast<long long>(head) * columns + column] += sum;
    }
}
