// The gradients of queries and of the position bias from those of the scores, where the pass for keys has left them, each
// divided by `scale`: dq = dS k,
// and the bias's gradient sums dS over pairs of equal distance. A block takes 128 queries of one row and head; a thread's
// rectangles of dS are the left operands of the product as they lie in memory.

struct QuerySums {
    const bf16* k;
    const bf16* d_scores;
    bf16* dq;
    float* bias_partials;
    const int* query_segments;
    const int* key_segments;
    int k_stride;
    int dq_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;
    float scale;
};

template <int D>
struct QuerySumsShared {
    // The result lies here for a moment, too.
    bf16 k[2][STREAMED * D];
    bf16 d_scores[2][STAYING * STREAMED];
    float near[THREADS / WARP][WARP][NEAR];
    unsigned char visible[MOST_TILES];
};

template <int D, bool BIAS>
__device__ __forceinline__ void query_sums(const QuerySums& in) {
    DYNAMIC_SHARED(QuerySumsShared<D>, shared);
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
    const int group = lane >> 2;
    const int quarter = lane & 3;
    const int first = blockIdx.x * STAYING;
    const int head = blockIdx.y;
    const int row = blockIdx.z;
    const Rows k = rows_of(in.k, in.k_stride, row, head, in.keys, in.head_size);
    const bool wide = k.wide<D>();
    const int tiles = (in.keys + STREAMED - 1) / STREAMED;
    const Operands<D> operands(warp, lane);
    const int scores_of_query = score_pitch(in.keys);
    const int pairs = score_rows(in.queries) / 2;

    find_visible(
        shared->visible, in.query_segments + static_cast<long long>(row) * in.queries, first, in.queries,
        in.key_segments + static_cast<long long>(row) * in.keys, in.keys, [&](int key) -> unsigned char {
            return !in.causal || key < min(first + STAYING, in.queries) ? SOME_VISIBLE : NONE_VISIBLE;
        });
    const Rows scores = {
        const_cast<bf16*>(in.d_scores) + (static_cast<long long>(row) * in.heads + head) * 2 * pairs * scores_of_query,
        2 * scores_of_query, pairs, 2 * STREAMED};
    auto load_stage = [&](int stage, int tile) {
        load_tile<D, STREAMED>(shared->k[stage], k, tile * STREAMED, wide);
        Rows part = scores;
        part.data += 2 * tile * STREAMED;
        load_tile<2 * STREAMED, STAYING / 2>(shared->d_scores[stage], part, first / 2, true);
    };
    int tile = next_visible(shared->visible, 0, tiles);
    if (tile < tiles) {
        load_stage(0, tile);
    }
    copy_async_commit();

    const int own = first + warp * WARP_ROWS + 4 * group;
    const bool idle = first + warp * WARP_ROWS >= in.queries;
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
        const int first_key = tile * STREAMED;
        copy_async_wait<0>();
        __syncthreads();
        tile = next_visible(shared->visible, tile + 1, tiles);
        if (tile < tiles) {
            load_stage(stage ^ 1, tile);
        }
        copy_async_commit();
        if (idle) {
            continue;
        }
#pragma unroll
        for (int w = 0; w < 2; w++) {
            float by_distance[NEAR] = {};
#pragma unroll
            for (int t = 0; t < 2; t++) {
                unsigned weights[2][4];
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    const int pair = warp * (WARP_ROWS / 2) + 2 * group + m;
                    const int chunk = turned<2 * STREAMED, STAYING / 2>(8 * w + 2 * quarter + t, pair);
                    const uint4 words = load16(shared->d_scores[stage] + pair * 2 * STREAMED + chunk * 8);
                    weights[m][0] = words.x;
                    weights[m][1] = words.y;
                    weights[m][2] = words.z;
                    weights[m][3] = words.w;
                }
#pragma unroll
                for (int pair = 0; pair < D / 16; pair++) {
                    unsigned right[4];
                    load_right_summed(right, shared_address(shared->k[stage]) + operands.part(w, t), operands, pair);
                    multiply_pair(sums[0][2 * pair], sums[0][2 * pair + 1], weights[0], right);
                    multiply_pair(sums[1][2 * pair], sums[1][2 * pair + 1], weights[1], right);
                }
                if (BIAS) {
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        const int r = 2 * (i / 4) + (i & 1);
                        const int y = 4 * t + (i & 2);
                        by_distance[y - r + 4] += low_bf16(weights[i / 4][i % 4]);
                        by_distance[y + 1 - r + 4] += high_bf16(weights[i / 4][i % 4]);
                    }
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
    const float scale[4] = {in.scale, in.scale, in.scale, in.scale};
    const Rows dq = rows_of(in.dq, in.dq_stride, row, head, in.queries, in.head_size);
    store_rows<D>(sums, scale, shared->k[0], dq, first, warp, lane);
}

#define QUERY_SUMS_PARAMETERS                                                                                          \
    const bf16 *k, const bf16 *d_scores, bf16 *dq, float *bias_partials, const int *query_segments,                    \
        const int *key_segments, int k_stride, int dq_stride, int heads, int head_size, int queries, int keys,         \
        int causal, float scale

#define QUERY_SUMS_OPERANDS                                                                                            \
    QuerySums {                                                                                                        \
        k, d_scores, dq, bias_partials, query_segments, key_segments, k_stride, dq_stride, heads, head_size, queries,  \
            keys, causal, scale                                                                                        \
    }
