// Attention in float32 arithmetic for any head size: for engines that compute in float32, and for heads too wide for the
// kernels on tensor cores. No matrix of scores is kept, and masks are drawn again.

#include "attention-drawing.cuh"
#include "attention-float32-tiles.cuh"

#define PARAMETERS                                                                                                     \
    const compute_t *q, const compute_t *k, const compute_t *v, const float *bias, const int *query_segments,          \
        const int *key_segments, int q_stride, int k_stride, int v_stride, int heads, int head_size, int queries,      \
        int keys, int causal, Dropout dropout

#define OPERANDS                                                                                                       \
    Problem {                                                                                                          \
        q, k, v, bias, query_segments, key_segments, q_stride, k_stride, v_stride, heads, head_size, queries, keys,    \
            causal                                                                                                     \
    }

struct ForwardShared {
    float q[TILE * PITCH];
    float k[TILE * PITCH];
    float v[TILE * PITCH];
    float weights[TILE * WEIGHT_PITCH];
    Pairs pairs;
};

// Two barriers a tile: at each, one of its matrices has come, and the buffer of the other is free for what comes next.
extern "C" __global__ void __launch_bounds__(THREADS, 3) attention_float32_forward(
    PARAMETERS, compute_t* result, float* log_sums) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(ForwardShared, shared);
    const int first = in.first();
    const int own = first + own_row();
    // The last key that the first of the rows sees; the other rows see further.
    const int last = causal ? own : keys;
    const bool idle = first + static_cast<int>(threadIdx.x) / WARP * WARP_ROWS >= queries;
    const int tiles = in.key_tiles(first);
    const Rows v_rows = in.v_rows();
    Factors products(shared->q, shared->k, in.q_rows(), in.k_rows(), first, in.part());
    int segments[ROWS];
    float maximum[ROWS];
    float total[ROWS];
    float sums[ROWS][OTHERS] = {};
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        segments[i] = in.seeing(in.query_segment(own + 4 * i));
        maximum[i] = -INFINITE;
        total[i] = 0;
    }
    if (tiles > 0) {
        products.begin(0);
    }
#pragma unroll 1
    for (int tile = 0; tile < tiles; tile++) {
        const int first_key = tile * TILE;
        copy_async_wait<0>();
        __syncthreads();
        load_tile(shared->v, v_rows, first_key, in.part());
        copy_async_commit();
        shared->pairs.load(in, dropout, first, first_key);
        if (threadIdx.x < TILE) {
            shared->pairs.segments[threadIdx.x] = in.key_segment(first_key + threadIdx.x);
        }
        float scores[ROWS][OTHERS] = {};
        products.multiply(scores, first_key, idle);
        copy_async_wait<0>();
        __syncthreads();
        if (tile + 1 < tiles) {
            products.begin(first_key + TILE);
        }
        if (idle) {
            continue;
        }
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            float highest = maximum[i];
#pragma unroll
            for (int j = 0; j < OTHERS; j++) {
                const int key = own_other() + 8 * j;
                const bool sees = (segments[i] == shared->pairs.segments[key]) & (first_key + key <= last + 4 * i);
                const float score = scores[i][j] + shared->pairs.bias(own_row() + 4 * i, key);
                scores[i][j] = sees ? score : -INFINITE;
                highest = fmaxf(highest, scores[i][j]);
            }
#pragma unroll
            for (int distance = OTHERS / 2; distance > 0; distance /= 2) {
                highest = fmaxf(highest, __shfl_xor_sync(ALL_LANES, highest, distance));
            }
            // A query that has seen nothing yet has nothing to shrink.
            const float shift = highest == -INFINITE ? 0.0f : highest;
            const float shrink = expf(maximum[i] - shift);
            maximum[i] = highest;
            total[i] *= shrink;
#pragma unroll
            for (int j = 0; j < OTHERS; j++) {
                const float probability = expf(scores[i][j] - shift);
                total[i] += probability;
                const unsigned kept = shared->pairs.kept(own_row() + 4 * i, own_other() + j / 4 * 32);
                scores[i][j] = kept >> 8 * (j % 4) & 1 ? probability : 0.0f;
                sums[i][j] *= shrink;
            }
        }
        store_weights(shared->weights, scores);
        __syncwarp();
        add_weighted(sums, shared->weights, shared->v, min(TILE, keys - first_key));
    }
    // A query that sees nothing gets zeros; one whose scores are NaN gets NaN.
    float scale[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
        for (int distance = OTHERS / 2; distance > 0; distance /= 2) {
            total[i] += __shfl_xor_sync(ALL_LANES, total[i], distance);
        }
        scale[i] = total[i] == 0 ? 0.0f : (dropout.active() ? dropout.scale : 1.0f) / total[i];
        if (in.part() == 0 && own_other() == 0 && own + 4 * i < queries) {
            log_sums[in.lines() + own + 4 * i] = total[i] == 0 ? 0.0f : maximum[i] + logf(total[i]);
        }
    }
    store_rows(sums, scale, in.result_rows(result), first, in.part());
}

// A thread's sums over the distances between 32 queries and the keys, tile by tile. The sum for the pair (query, key) goes to
// place key - (query - the first of the 32 queries) + 32, so that the 64 keys of a tile and 32 queries have 96 places: a
// thread takes one of the first 64 and the place 64 further on, which is the next tile's. Together they have 32 pairs.
struct Distances {
    static constexpr int QUERIES = 32;
    // Of the place's 32 queries in each row of weights, or null.
    float* partials;
    int place;
    int rows;
    const float* weights;
    float kept;

    __device__ __forceinline__ Distances(
        const Problem& in, float* bias_partials, const float* all_weights, int places, int first) {
        int half = threadIdx.x / TILE;
        int parts = (in.queries + QUERIES - 1) / QUERIES;
        int part = first / QUERIES + half;
        rows = min(QUERIES, in.queries - first - half * QUERIES);
        place = threadIdx.x % TILE;
        bool writes = bias_partials != nullptr && in.part() == 0 && rows > 0;
        partials = !writes ? nullptr
                           : bias_partials +
                                 ((static_cast<long long>(in.row()) * in.heads + in.head()) * parts + part) * places;
        weights = all_weights + half * QUERIES * WEIGHT_PITCH;
        kept = 0;
    }

    __device__ __forceinline__ void write(int first_key, float sum, float next) {
        partials[first_key + place] = kept + sum;
        kept = next;
    }

    __device__ __forceinline__ void add(int first_key) {
        float sum = 0;
        float next = 0;
#pragma unroll 4
        for (int query = 0; query < rows; query++) {
            float weight = weights[query * WEIGHT_PITCH + (place + query + QUERIES) % TILE];
            if (place + query >= QUERIES) {
                sum += weight;
            } else {
                next += weight;
            }
        }
        write(first_key, sum, next);
    }

    // What lies beyond the last tile that was added.
    __device__ __forceinline__ void finish(int first_key, int places) {
        for (; first_key + place < places; first_key += TILE) {
            write(first_key, 0, 0);
        }
    }
};

struct QueryGradientShared {
    float q[TILE * PITCH];
    float k[TILE * PITCH];
    float v[TILE * PITCH];
    float d_result[TILE * PITCH];
    float weights[TILE * WEIGHT_PITCH];
    Pairs pairs;
};

// dq, and the bias's gradient as partial sums [rows, heads, parts of 32 queries, places] as sum_bias_partials takes them.
extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_float32_query_gradient(
    PARAMETERS, const compute_t* d_result, const float* log_sums, const float* deltas, compute_t* dq, int dq_stride,
    float* bias_partials, int places) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(QueryGradientShared, shared);
    const int first = in.first();
    const int own = first + own_row();
    // The last key that the first of the rows sees; the other rows see further.
    const int last = causal ? own : keys;
    const bool idle = first + static_cast<int>(threadIdx.x) / WARP * WARP_ROWS >= queries;
    const int tiles = in.key_tiles(first);
    Factors values(shared->d_result, shared->v, in.result_rows(d_result), in.v_rows(), first, in.part());
    Factors products(shared->q, shared->k, in.q_rows(), in.k_rows(), first, in.part());
    Distances distances(in, bias_partials, shared->weights, places, first);
    const bool sums_distances = bias_partials != nullptr && in.part() == 0;
    const float factor = dropout.active() ? dropout.scale : 1.0f;
    int segments[ROWS];
    float log_sum[ROWS];
    float delta[ROWS];
    float sums[ROWS][OTHERS] = {};
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        bool inside = own + 4 * i < queries;
        segments[i] = in.seeing(in.query_segment(own + 4 * i));
        log_sum[i] = inside ? log_sums[in.lines() + own + 4 * i] : 0.0f;
        delta[i] = inside ? deltas[in.lines() + own + 4 * i] : 0.0f;
    }
    if (tiles > 0) {
        values.begin(0);
    }
#pragma unroll 1
    for (int tile = 0; tile < tiles; tile++) {
        const int first_key = tile * TILE;
        copy_async_wait<0>();
        __syncthreads();
        products.begin(first_key);
        shared->pairs.load(in, dropout, first, first_key);
        if (threadIdx.x < TILE) {
            shared->pairs.segments[threadIdx.x] = in.key_segment(first_key + threadIdx.x);
        }
        float d_scores[ROWS][OTHERS] = {};
        values.multiply(d_scores, first_key, idle);
        copy_async_wait<0>();
        __syncthreads();
        if (tile + 1 < tiles) {
            values.begin(first_key + TILE);
        }
        float scores[ROWS][OTHERS] = {};
        products.multiply(scores, first_key, idle);
        if (!idle) {
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
#pragma unroll
                for (int j = 0; j < OTHERS; j++) {
                    const int key = own_other() + 8 * j;
                    const bool sees = (segments[i] == shared->pairs.segments[key]) & (first_key + key <= last + 4 * i);
                    const float score = scores[i][j] + shared->pairs.bias(own_row() + 4 * i, key);
                    const unsigned kept = shared->pairs.kept(own_row() + 4 * i, own_other() + j / 4 * 32);
                    const float d_probability = kept >> 8 * (j % 4) & 1 ? d_scores[i][j] * factor : 0.0f;
                    d_scores[i][j] = sees ? expf(score - log_sum[i]) * (d_probability - delta[i]) : 0.0f;
                }
            }
            store_weights(shared->weights, d_scores);
            __syncwarp();
            add_weighted(sums, shared->weights, shared->k, min(TILE, keys - first_key));
        }
        if (sums_distances) {
            __syncthreads();
            if (distances.partials != nullptr) {
                distances.add(first_key);
            }
        }
    }
    if (distances.partials != nullptr) {
        distances.finish(tiles * TILE, places);
    }
    const float scale[ROWS] = {1, 1, 1, 1};
    store_rows(sums, scale, rows_of(dq, dq_stride, in.row(), in.head(), queries, head_size), first, in.part());
}

struct KeyGradientShared {
    float q[TILE * PITCH];
    float k[TILE * PITCH];
    float v[TILE * PITCH];
    float d_result[TILE * PITCH];
    float weights[TILE * WEIGHT_PITCH];
    Pairs pairs;
    // Of the streamed queries.
    float log_sums[TILE];
    float deltas[TILE];
};

// dk and dv. The block keeps keys and streams queries.
extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_float32_key_gradient(
    PARAMETERS, const compute_t* d_result, const float* log_sums, const float* deltas, compute_t* dk, compute_t* dv,
    int dk_stride, int dv_stride) {
    const Problem in = OPERANDS;
    DYNAMIC_SHARED(KeyGradientShared, shared);
    const int first = in.first();
    const int own = first + own_row();
    // The first query that sees the first of the rows.
    const int earliest = causal ? own : -TILE;
    const bool idle = first + static_cast<int>(threadIdx.x) / WARP * WARP_ROWS >= keys;
    const int tiles = (queries + TILE - 1) / TILE;
    const int first_tile = causal ? first / TILE : 0;
    Factors values(shared->v, shared->d_result, in.v_rows(), in.result_rows(d_result), first, in.part());
    Factors products(shared->k, shared->q, in.k_rows(), in.q_rows(), first, in.part());
    const float factor = dropout.active() ? dropout.scale : 1.0f;
    int segments[ROWS];
    float key_sums[ROWS][OTHERS] = {};
    float value_sums[ROWS][OTHERS] = {};
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
        segments[i] = in.seeing(in.key_segment(own + 4 * i));
    }
    if (first_tile < tiles) {
        values.begin(first_tile * TILE);
    }
#pragma unroll 1
    for (int tile = first_tile; tile < tiles; tile++) {
        const int first_query = tile * TILE;
        const int count = min(TILE, queries - first_query);
        copy_async_wait<0>();
        __syncthreads();
        products.begin(first_query);
        shared->pairs.load(in, dropout, first_query, first);
        if (threadIdx.x < TILE) {
            bool inside = static_cast<int>(threadIdx.x) < count;
            long long line = in.lines() + first_query + threadIdx.x;
            shared->pairs.segments[threadIdx.x] = in.query_segment(first_query + threadIdx.x);
            shared->log_sums[threadIdx.x] = inside ? log_sums[line] : 0.0f;
            shared->deltas[threadIdx.x] = inside ? deltas[line] : 0.0f;
        }
        float d_scores[ROWS][OTHERS] = {};
        values.multiply(d_scores, first_query, idle);
        copy_async_wait<0>();
        __syncthreads();
        float scores[ROWS][OTHERS] = {};
        products.multiply(scores, first_query, idle);
        if (!idle) {
#pragma unroll
            for (int j = 0; j < OTHERS; j++) {
                const int query = own_other() + 8 * j;
                const int segment = shared->pairs.segments[query];
                const float log_sum = shared->log_sums[query];
                const float delta = shared->deltas[query];
                const unsigned kept = shared->pairs.kept(query, own_row());
#pragma unroll
                for (int i = 0; i < ROWS; i++) {
                    const bool sees = (segment == segments[i]) & (first_query + query >= earliest + 4 * i);
                    const float score = scores[i][j] + shared->pairs.bias(query, own_row() + 4 * i);
                    const float probability = sees ? expf(score - log_sum) : 0.0f;
                    const float kept_factor = kept >> 4 * i & 1 ? factor : 0.0f;
                    scores[i][j] = probability * kept_factor;
                    d_scores[i][j] = probability * (d_scores[i][j] * kept_factor - delta);
                }
            }
            store_weights(shared->weights, scores);
            __syncwarp();
            add_weighted(value_sums, shared->weights, shared->d_result, count);
        }
        __syncthreads();
        if (tile + 1 < tiles) {
            values.begin(first_query + TILE);
        }
        if (!idle) {
            store_weights(shared->weights, d_scores);
            __syncwarp();
            add_weighted(key_sums, shared->weights, shared->q, count);
        }
    }
    const float scale[ROWS] = {1, 1, 1, 1};
    store_rows(key_sums, scale, rows_of(dk, dk_stride, in.row(), in.head(), keys, head_size), first, in.part());
    store_rows(value_sums, scale, rows_of(dv, dv_stride, in.row(), in.head(), keys, head_size), first, in.part());
}
