// The gradients of queries and of the position bias. A block takes 128 queries of one row and head, computes probabilities
// again from the forward pass's sums while tiles of keys go by, and sums over keys in registers. It is a pass of its own
// beside the one for keys and values, which sums over queries: two products of seven are done twice, but nothing is added
// up by several blocks, so no order of additions is left to chance and no partial gradient goes through memory.
//
// With P the probabilities, dO the gradient of the result and dP = dO v^T: dS = P * (kept(dP) - delta), where delta = the sum
// over keys of P * kept(dP) = the sum over columns of dO * result; dq = dS k, and the bias's gradient sums dS over pairs of
// equal distance.


struct QueryGradient {
    const bf16* q;
    const bf16* k;
    const bf16* v;
    const bf16* result;
    const bf16* d_result;
    bf16* dq;
    const float* bias;
    float* bias_partials;
    const int* query_segments;
    const int* key_segments;
    const float* log_sums;
    const unsigned char* mask;
    float* deltas;
    int q_stride;
    int k_stride;
    int v_stride;
    int dq_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;
    float scale;
};

// A lane's sums over the distances of its rectangle of 4 x 8 scores, of which the first is always 0.
constexpr int NEAR = 12;

template <int D>
struct QueryGradientShared {
    bf16 q[STAYING * D];
    bf16 d_result[STAYING * D];
    bf16 k[2][STREAMED * D];
    bf16 v[2][STREAMED * D];
    float window[2][WINDOW];
    int segments[2][STREAMED];
    unsigned mask[2][STAYING][2];
    float deltas[STAYING];
    float near[THREADS / WARP][WARP][NEAR];
    unsigned char visible[MOST_TILES];
};

// Sums over distances from 32 keys at a time: what lies before the first key of the 32 is complete and written, the rest is
// kept for the next 32. The sum for the pair (query, key) goes to place key - (query - the warp's first query) + 32.
struct Distances {
    float4 kept = {0, 0, 0, 0};
    int written = 0;

    // Places written .. written + 31. Lanes 2 c and 2 c + 1 hold chunk c of 16.
    __device__ __forceinline__ void write(float* partials, int lane, float4 found) {
        if (lane < 16 && (lane & 1) == 0) {
            store16(
                partials + written + 2 * lane,
                make_uint4(
                    __float_as_uint(found.x + kept.x), __float_as_uint(found.y + kept.y),
                    __float_as_uint(found.z + kept.z), __float_as_uint(found.w + kept.w)));
        }
        kept.x = __shfl_down_sync(ALL_LANES, found.x, 16);
        kept.y = __shfl_down_sync(ALL_LANES, found.y, 16);
        kept.z = __shfl_down_sync(ALL_LANES, found.z, 16);
        kept.w = __shfl_down_sync(ALL_LANES, found.w, 16);
        written += 32;
    }

    __device__ __forceinline__ void skip_to(float* partials, int lane, int key) {
        while (written < key) {
            write(partials, lane, make_float4(0, 0, 0, 0));
        }
    }

    // A lane's chunk i covers the distances 4 (2 quarter - group + i - 1) to + 3 from the warp's first query to the first key:
    // chunk c of 16 takes what lies at 4 (c - 8).
    __device__ __forceinline__ void add(float* partials, int lane, int key, float (*near)[NEAR], const float (&sums)[NEAR]) {
        skip_to(partials, lane, key);
        __syncwarp();
#pragma unroll
        for (int i = 0; i < NEAR / 4; i++) {
            store16(
                near[lane] + 4 * i,
                make_uint4(
                    __float_as_uint(sums[4 * i]), __float_as_uint(sums[4 * i + 1]), __float_as_uint(sums[4 * i + 2]),
                    __float_as_uint(sums[4 * i + 3])));
        }
        __syncwarp();
        float4 found = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int quarter = (lane & 1) + 2 * half;
#pragma unroll
            for (int i = 0; i < NEAR / 4; i++) {
                int group = 2 * quarter + i - 1 - ((lane >> 1) - 8);
                if (group >= 0 && group < 8) {
                    float x[4];
                    load_four(x, near[4 * group + quarter] + 4 * i);
                    found.x += x[0];
                    found.y += x[1];
                    found.z += x[2];
                    found.w += x[3];
                }
            }
        }
        found.x += __shfl_xor_sync(ALL_LANES, found.x, 1);
        found.y += __shfl_xor_sync(ALL_LANES, found.y, 1);
        found.z += __shfl_xor_sync(ALL_LANES, found.z, 1);
        found.w += __shfl_xor_sync(ALL_LANES, found.w, 1);
        write(partials, lane, found);
    }
};

template <int D, bool DROP, bool BIAS>
__device__ __forceinline__ void query_gradient(const QueryGradient& in) {
    constexpr int STEPS = D / 16;
    constexpr bool IN_REGISTERS = D <= 64;
    DYNAMIC_SHARED(QueryGradientShared<D>, shared);
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
    const int group = lane >> 2;
    const int quarter = lane & 3;
    const int first = blockIdx.x * STAYING;
    const int head = blockIdx.y;
    const int row = blockIdx.z;
    const int result_stride = in.heads * in.head_size;
    const Rows k = rows_of(in.k, in.k_stride, row, head, in.keys, in.head_size);
    const Rows v = rows_of(in.v, in.v_stride, row, head, in.keys, in.head_size);
    const bool wide_keys = k.wide<D>();
    const bool wide_values = v.wide<D>();
    const int* query_segments = in.query_segments + static_cast<long long>(row) * in.queries;
    const int* key_segments = in.key_segments + static_cast<long long>(row) * in.keys;
    const int distances = in.queries + in.keys - 1;
    const float* bias = BIAS ? in.bias + static_cast<long long>(head) * distances : nullptr;
    const int tiles = (in.keys + STREAMED - 1) / STREAMED;
    const Operands<D> operands(warp, lane);
    const long long lines = (static_cast<long long>(row) * in.heads + head) * in.queries;
    const int pitch = mask_pitch(in.keys);

    auto load_stage = [&](int stage, int tile) {
        load_tile<D, STREAMED>(shared->k[stage], k, tile * STREAMED, wide_keys);
        load_tile<D, STREAMED>(shared->v[stage], v, tile * STREAMED, wide_values);
        load_line(shared->segments[stage], key_segments, tile * STREAMED, in.keys, threadIdx.x);
        if (BIAS) {
            load_window(shared->window[stage], bias, tile * STREAMED - first - STAYING + in.queries - 1, distances);
        }
        if (DROP) {
            int query = min(first + static_cast<int>(threadIdx.x), in.queries - 1);
            copy_async8(shared->mask[stage][threadIdx.x], in.mask + (lines + query) * pitch + tile * (STREAMED / 8), 8);
        }
    };

    // The result lies for a moment where keys and values will.
    static_assert(sizeof(shared->k) == sizeof(shared->q), "a tile that stays is as large as two that are streamed");
    {
        const Rows q = rows_of(in.q, in.q_stride, row, head, in.queries, in.head_size);
        const Rows d_result = rows_of(in.d_result, result_stride, row, head, in.queries, in.head_size);
        const Rows result = rows_of(in.result, result_stride, row, head, in.queries, in.head_size);
        load_tile<D, STAYING>(shared->q, q, first, q.wide<D>());
        load_tile<D, STAYING>(shared->d_result, d_result, first, d_result.wide<D>());
        load_tile<D, STAYING>(shared->k[0], result, first, result.wide<D>());
        copy_async_commit();
    }
    find_visible(
        shared->visible, query_segments, first, in.queries, key_segments, in.keys, [&](int key) -> unsigned char {
            return !in.causal || key + STREAMED - 1 <= first ? ALL_VISIBLE
                   : key < min(first + STAYING, in.queries)  ? SOME_VISIBLE
                                                             : NONE_VISIBLE;
        });
    copy_async_wait<0>();
    __syncthreads();
    {
        float delta = 0;
        for (int chunk = 0; chunk < D / 8; chunk++) {
            float a[8];
            float b[8];
            load8(shared->d_result + staying_at<D>(threadIdx.x, chunk), a);
            load8(shared->k[0] + staying_at<D>(threadIdx.x, chunk), b);
            for (int i = 0; i < 8; i++) {
                delta += a[i] * b[i];
            }
        }
        shared->deltas[threadIdx.x] = delta;
        if (first + static_cast<int>(threadIdx.x) < in.queries) {
            in.deltas[lines + first + threadIdx.x] = delta;
        }
    }
    __syncthreads();
    int tile = next_visible(shared->visible, 0, tiles);
    if (tile < tiles) {
        load_stage(0, tile);
    }
    copy_async_commit();

    const int own = first + warp * WARP_ROWS + 4 * group;
    const bool idle = first + warp * WARP_ROWS >= in.queries;
    int segments[4];
    float shift[4];
    float delta[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
        bool inside = own + r < in.queries;
        segments[r] = inside ? query_segments[own + r] : 0;
        shift[r] = inside ? -in.log_sums[lines + own + r] : -INFINITE;
        delta[r] = shared->deltas[warp * WARP_ROWS + 4 * group + r];
    }
    unsigned left[2][IN_REGISTERS ? STEPS : 1][4];
    unsigned d_left[2][IN_REGISTERS ? STEPS : 1][4];
    if (IN_REGISTERS) {
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                load_left(left[m][step], shared_address(shared->q), operands, m, step);
                load_left(d_left[m][step], shared_address(shared->d_result), operands, m, step);
            }
        }
    }
    float sums[2][D / 8][4] = {};
    const int parts = (in.queries + WARP_ROWS - 1) / WARP_ROWS;
    const int places = tiles * STREAMED + WARP_ROWS;
    float* partials = nullptr;
    Distances sums_by_distance;
    if (BIAS) {
        partials = in.bias_partials +
                   ((static_cast<long long>(row) * in.heads + head) * parts + first / WARP_ROWS + warp) * places;
    }

    for (int stage = 0; tile < tiles; stage ^= 1) {
        copy_async_wait<0>();
        __syncthreads();
        int next = next_visible(shared->visible, tile + 1, tiles);
        if (next < tiles) {
            load_stage(stage ^ 1, next);
        }
        copy_async_commit();
        const int first_key = tile * STREAMED;
        const bool masked = !all_visible(shared->visible, tile);
        tile = next;
        if (idle) {
            continue;
        }
#pragma unroll 1
        for (int w = 0; w < 2; w++) {
            float near[NEAR];
            float by_distance[NEAR] = {};
            unsigned keep[4];
            if (BIAS) {
                const float* window = shared->window[stage] + STAYING + 32 * w + 8 * quarter - warp * WARP_ROWS - 4 * group;
#pragma unroll
                for (int i = 0; i < 3; i++) {
                    load_four(near + 4 * i, window + 4 * i - 4);
                }
            }
            if (DROP) {
#pragma unroll
                for (int r = 0; r < 4; r++) {
                    keep[r] = shared->mask[stage][warp * WARP_ROWS + 4 * group + r][w] >> 8 * quarter;
                }
            }
#pragma unroll
            for (int t = 0; t < 2; t++) {
                float scores[2][2][4];
                float d_scores[2][2][4];
#pragma unroll
                for (int r = 0; r < 4; r++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)] = BIAS ? near[4 * t + i - r + 4] : 0.0f;
                        d_scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)] = 0;
                    }
                }
#pragma unroll
                for (int step = 0; step < STEPS; step++) {
                    const int at = IN_REGISTERS ? step : 0;
                    if (!IN_REGISTERS) {
                        for (int m = 0; m < 2; m++) {
                            load_left(left[m][0], shared_address(shared->q), operands, m, step);
                            load_left(d_left[m][0], shared_address(shared->d_result), operands, m, step);
                        }
                    }
                    unsigned right[4];
                    load_right(right, shared_address(shared->k[stage]) + operands.part(w, t), operands, step);
                    multiply_pair(scores[0][0], scores[0][1], left[0][at], right);
                    multiply_pair(scores[1][0], scores[1][1], left[1][at], right);
                    load_right(right, shared_address(shared->v[stage]) + operands.part(w, t), operands, step);
                    multiply_pair(d_scores[0][0], d_scores[0][1], d_left[0][at], right);
                    multiply_pair(d_scores[1][0], d_scores[1][1], d_left[1][at], right);
                }
                int others[4];
                if (masked) {
                    load_four(others, shared->segments[stage] + 32 * w + 8 * quarter + 4 * t);
                }
                const int key = first_key + 32 * w + 8 * quarter + 4 * t;
#pragma unroll
                for (int r = 0; r < 4; r++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        float& score = scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)];
                        float d_probability = d_scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)];
                        float factor = !DROP ? 1.0f : keep[r] >> (4 * t + i) & 1 ? in.scale : 0.0f;
                        float probability = fast_exp2(fmaf(score, LOG2_E, shift[r]));
                        if (masked) {
                            bool sees =
                                others[i] == segments[r] && segments[r] != 0 && (!in.causal || key + i <= own + r);
                            probability = sees ? probability : 0.0f;
                        }
                        score = probability * fmaf(d_probability, factor, -delta[r]);
                        if (BIAS) {
                            by_distance[4 * t + i - r + 4] += score;
                        }
                    }
                }
                unsigned weights[2][4];
                as_left(weights[0], scores[0][0], scores[0][1]);
                as_left(weights[1], scores[1][0], scores[1][1]);
#pragma unroll
                for (int pair = 0; pair < D / 16; pair++) {
                    unsigned right[4];
                    load_right_summed(right, shared_address(shared->k[stage]) + operands.part(w, t), operands, pair);
                    multiply_pair(sums[0][2 * pair], sums[0][2 * pair + 1], weights[0], right);
                    multiply_pair(sums[1][2 * pair], sums[1][2 * pair + 1], weights[1], right);
                }
            }
            if (BIAS) {
                sums_by_distance.add(partials, lane, first_key + 32 * w, shared->near[warp], by_distance);
            }
        }
    }

    copy_async_wait<0>();
    __syncthreads();
    if (idle) {
        return;
    }
    if (BIAS) {
        sums_by_distance.skip_to(partials, lane, places);
    }
    const float scale[4] = {1, 1, 1, 1};
    const Rows dq = rows_of(in.dq, in.dq_stride, row, head, in.queries, in.head_size);
    store_rows<D>(sums, scale, shared->q, dq, first, warp, lane);
}

#define QUERY_GRADIENT_PARAMETERS                                                                                      \
    const bf16 *q, const bf16 *k, const bf16 *v, const bf16 *result, const bf16 *d_result, bf16 *dq,                   \
        const float *bias, float *bias_partials, const int *query_segments, const int *key_segments,                   \
        const float *log_sums, const unsigned char *mask, float *deltas, int q_stride, int k_stride, int v_stride,     \
        int dq_stride, int heads, int head_size, int queries, int keys, int causal, float scale

#define QUERY_GRADIENT_OPERANDS                                                                                        \
    QueryGradient {                                                                                                    \
        q, k, v, result, d_result, dq, bias, bias_partials, query_segments, key_segments, log_sums, mask, deltas,      \
            q_stride, k_stride, v_stride, dq_stride, heads, head_size, queries, keys, causal, scale                    \
    }
