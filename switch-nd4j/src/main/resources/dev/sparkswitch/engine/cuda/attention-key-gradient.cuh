// The gradients of keys and values. A block takes 128 keys of one row and head and lets tiles of queries go by, with scores
// the other way round (keys are their rows), so that probabilities and their gradients are left operands as they come out
// of a product: nothing but what was streamed is read from shared memory. dv = kept(P)^T dO, dk = dS^T q, with the deltas that
// the opening remarks of the pass for queries define. kept() multiplies by a scale; it is taken out of all sums, so that
// dS / scale = P (a bit * dP - delta / scale). Where there is memory for it, dS / scale is left in bfloat16 as [rows, heads,
// queries, pitch of keys], so that the gradients of queries are one more product; 0 for pairs that this pass does not visit.

struct KeyGradient {
    const bf16* q;
    const bf16* k;
    const bf16* v;
    const bf16* d_result;
    bf16* dk;
    bf16* dv;
    const float* bias;
    const int* query_segments;
    const int* key_segments;
    const float* log_sums;
    const unsigned char* mask;
    const float* deltas;
    // Null where nobody wants them
    bf16* d_scores;
    int q_stride;
    int k_stride;
    int v_stride;
    int dk_stride;
    int dv_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;
    float scale;
    float inverse_scale;
};

template <int D>
struct KeyGradientShared {
    bf16 k[STAYING * D];
    bf16 v[STAYING * D];
    bf16 q[2][STREAMED * D];
    bf16 d_result[2][STREAMED * D];
    float window[2][WINDOW];
    int segments[2][STREAMED];
    float log_sums[2][STREAMED];
    float deltas[2][STREAMED];
    // 128 bits of keys for each query; every eight queries stand apart by the width of one more, so that the four that are
    // read at once lie in different banks.
    unsigned mask[2][STREAMED / 8][9][4];
    unsigned char visible[MOST_TILES];
};

// Zeros for KEYS keys from `at` on of a streamed tile of queries.
template <int KEYS, int COUNT>
__device__ __forceinline__ void clear_scores(bf16* at, int pitch, int thread) {
    constexpr int CHUNKS = KEYS / 4;
    for (int i = thread; i < STREAMED / 2 * CHUNKS; i += COUNT) {
        store16(at + static_cast<long long>(i / CHUNKS) * 2 * pitch + i % CHUNKS * 8, make_uint4(0, 0, 0, 0));
    }
}

template <int D, bool DROP, bool BIAS>
__device__ __forceinline__ void key_gradient(const KeyGradient& in) {
    constexpr int STEPS = D / 16;
    // Keys are read again for every part of a tile: with values, sums of 2 x 32 x D and scores, registers are used up.
    constexpr bool IN_REGISTERS = D <= 64;
    DYNAMIC_SHARED(KeyGradientShared<D>, shared);
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
    const int group = lane >> 2;
    const int quarter = lane & 3;
    const int first = blockIdx.x * STAYING;
    const int head = blockIdx.y;
    const int row = blockIdx.z;
    const Rows q = rows_of(in.q, in.q_stride, row, head, in.queries, in.head_size);
    const Rows d_result =
        rows_of(in.d_result, in.heads * in.head_size, row, head, in.queries, in.head_size);
    const bool wide_queries = q.wide<D>();
    const bool wide_gradients = d_result.wide<D>();
    const int* query_segments = in.query_segments + static_cast<long long>(row) * in.queries;
    const int* key_segments = in.key_segments + static_cast<long long>(row) * in.keys;
    const int distances = in.queries + in.keys - 1;
    const float* bias = BIAS ? in.bias + static_cast<long long>(head) * distances : nullptr;
    const int tiles = (in.queries + STREAMED - 1) / STREAMED;
    const Operands<D> operands(warp, lane);
    const long long lines = (static_cast<long long>(row) * in.heads + head) * in.queries;
    const int pitch = mask_pitch(in.keys);

    auto load_stage = [&](int stage, int tile) {
        const int query = tile * STREAMED;
        const int thread = threadIdx.x;
        load_tile<D, STREAMED>(shared->q[stage], q, query, wide_queries);
        load_tile<D, STREAMED>(shared->d_result[stage], d_result, query, wide_gradients);
        load_line(shared->segments[stage], query_segments, query, in.queries, thread);
        load_line(shared->log_sums[stage], in.log_sums + lines, query, in.queries, thread - STREAMED);
        load_line(shared->deltas[stage], in.deltas + lines, query, in.queries, thread);
        if (BIAS) {
            load_window(shared->window[stage], bias, first - query - STREAMED + in.queries - 1, distances);
        }
        if (DROP && thread >= STREAMED) {
            int i = thread - STREAMED;
            copy_async16(
                shared->mask[stage][i / 8][i % 8],
                in.mask + (lines + min(query + i, in.queries - 1)) * pitch + first / 8, 16);
        }
    };

    const int own = first + warp * WARP_ROWS + 4 * group;
    const bool idle = first + warp * WARP_ROWS >= in.keys;
    int segments[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
        segments[r] = own + r < in.keys ? key_segments[own + r] : 0;
    }
    {
        const Rows k = rows_of(in.k, in.k_stride, row, head, in.keys, in.head_size);
        const Rows v = rows_of(in.v, in.v_stride, row, head, in.keys, in.head_size);
        load_tile<D, STAYING>(shared->k, k, first, k.wide<D>());
        load_tile<D, STAYING>(shared->v, v, first, v.wide<D>());
    }
    // The first tile in time is most often visible: it is on its way while that is found out.
    const int guess = in.causal ? min(first / STREAMED, tiles - 1) : 0;
    load_stage(0, guess);
    copy_async_commit();
    find_visible(
        shared->visible, key_segments, first, in.keys, query_segments, in.queries, [&](int query) -> unsigned char {
            return !in.causal || query >= first + STAYING - 1 ? ALL_VISIBLE
                   : query + STREAMED - 1 >= first            ? SOME_VISIBLE
                                                              : NONE_VISIBLE;
        });
    int tile = next_visible(shared->visible, 0, tiles);
    const int first_stage = tile == guess ? 0 : 1;
    if (tile != guess && tile < tiles) {
        load_stage(first_stage, tile);
    }
    copy_async_commit();
    copy_async_wait<1>();
    __syncthreads();

    unsigned values[2][IN_REGISTERS ? STEPS : 1][4];
    if (IN_REGISTERS) {
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                load_left(values[m][step], shared_address(shared->v), operands, m, step);
            }
        }
    }
    const bool leaves_scores = in.d_scores != nullptr;
    const int scores_of_query = score_pitch(in.keys);
    bf16* d_scores_out =
        in.d_scores +
        (static_cast<long long>(row) * in.heads + head) * score_rows(in.queries) * scores_of_query + 2 * first;
    if (leaves_scores) {
        for (int other = 0; other < tiles && other < MOST_TILES; other++) {
            if (shared->visible[other] == NONE_VISIBLE) {
                clear_scores<STAYING, THREADS>(
                    d_scores_out + static_cast<long long>(other) * STREAMED * scores_of_query, scores_of_query, threadIdx.x);
            }
        }
    }
    float key_sums[2][D / 8][4] = {};
    float value_sums[2][D / 8][4] = {};

    for (int stage = first_stage; tile < tiles; stage ^= 1) {
        copy_async_wait<0>();
        __syncthreads();
        int next = next_visible(shared->visible, tile + 1, tiles);
        if (next < tiles) {
            load_stage(stage ^ 1, next);
        }
        copy_async_commit();
        const int first_query = tile * STREAMED;
        const bool masked = !all_visible(shared->visible, tile);
        tile = next;
        if (idle) {
            if (leaves_scores) {
                clear_scores<WARP_ROWS, WARP>(
                    d_scores_out + static_cast<long long>(first_query) * scores_of_query + 2 * warp * WARP_ROWS,
                    scores_of_query, lane);
            }
            continue;
        }
#pragma unroll 1
        for (int part = 0; part < 4; part++) {
            const int w = part >> 1;
            const int t = part & 1;
            const int at = 32 * w + 8 * quarter + 4 * t;
            float scores[2][2][4];
            if (BIAS) {
                float near[8];
                const float* window = shared->window[stage] + STREAMED + warp * WARP_ROWS + 4 * group - at;
                load_four(near, window - 4);
                load_four(near + 4, window);
#pragma unroll
                for (int r = 0; r < 4; r++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)] = near[r - i + 4];
                    }
                }
            } else {
#pragma unroll
                for (int i = 0; i < 16; i++) {
                    scores[i / 8][i / 4 % 2][i % 4] = 0;
                }
            }
            // Two products of which neither waits for the other
            float d_weights[2][2][4] = {};
            const SharedAddress queries = shared_address(shared->q[stage]) + operands.part(w, t);
            const SharedAddress gradients = shared_address(shared->d_result[stage]) + operands.part(w, t);
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                const int register_step = IN_REGISTERS ? step : 0;
                unsigned right[4];
                unsigned keys[2][4];
                load_right(right, queries, operands, step);
                load_left(keys[0], shared_address(shared->k), operands, 0, step);
                load_left(keys[1], shared_address(shared->k), operands, 1, step);
                multiply_pair(scores[0][0], scores[0][1], keys[0], right);
                multiply_pair(scores[1][0], scores[1][1], keys[1], right);
                if (!IN_REGISTERS) {
                    load_left(values[0][0], shared_address(shared->v), operands, 0, step);
                    load_left(values[1][0], shared_address(shared->v), operands, 1, step);
                }
                load_right(right, gradients, operands, step);
                multiply_pair(d_weights[0][0], d_weights[0][1], values[0][register_step], right);
                multiply_pair(d_weights[1][0], d_weights[1][1], values[1][register_step], right);
            }
            float log_sums[4];
            load_four(log_sums, shared->log_sums[stage] + at);
            int others[4];
            if (masked) {
                load_four(others, shared->segments[stage] + at);
            }
            unsigned keep[4];
            if (DROP) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    keep[i] = shared->mask[stage][4 * w + quarter][4 * t + i][warp] >> 4 * group;
                }
            }
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int query = first_query + at + i;
#pragma unroll
                for (int r = 0; r < 4; r++) {
                    float& score = scores[r >> 1][i >> 1][2 * (r & 1) + (i & 1)];
                    float probability = fast_exp2(fmaf(score, LOG2_E, -log_sums[i]));
                    if (masked) {
                        bool sees = others[i] == segments[r] && segments[r] != 0 &&
                                    (!in.causal || own + r <= query);
                        probability = sees ? probability : 0.0f;
                    }
                    score = probability;
                }
            }
            float deltas[4];
            load_four(deltas, shared->deltas[stage] + at);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                deltas[i] *= in.inverse_scale;
            }
            float kept[2][2][4];
#pragma unroll
            for (int i = 0; i < 16; i++) {
                const int m = i / 8;
                const int u = i / 4 % 2;
                const int c = i % 4;
                float& score = scores[m][u][c];
                kept[m][u][c] = DROP && (keep[2 * u + (c & 1)] >> (2 * m + (c >> 1)) & 1) == 0 ? 0.0f : score;
                score = fmaf(kept[m][u][c], d_weights[m][u][c], -score * deltas[2 * u + (c & 1)]);
            }
            unsigned weights[2][4];
            as_left(weights[0], kept[0][0], kept[0][1]);
            as_left(weights[1], kept[1][0], kept[1][1]);
#pragma unroll
            for (int pair = 0; pair < D / 16; pair++) {
                unsigned right[4];
                load_right_summed(right, gradients, operands, pair);
                multiply_pair(value_sums[0][2 * pair], value_sums[0][2 * pair + 1], weights[0], right);
                multiply_pair(value_sums[1][2 * pair], value_sums[1][2 * pair + 1], weights[1], right);
            }
            if (leaves_scores) {
                // Keys beyond the last have whatever came of zeros.
                const int left = in.keys - own;
                bf16* to = d_scores_out + static_cast<long long>(first_query + at) * scores_of_query +
                           2 * (warp * WARP_ROWS + 4 * group);
#pragma unroll
                for (int u = 0; u < 2; u++) {
                    uint4 words = make_uint4(
                        pack_bf16(scores[0][u][0], scores[0][u][2]), pack_bf16(scores[0][u][1], scores[0][u][3]),
                        pack_bf16(scores[1][u][0], scores[1][u][2]), pack_bf16(scores[1][u][1], scores[1][u][3]));
                    if (left < 4) {
                        const unsigned lower = left <= 0 ? 0 : left == 1 ? 0xffffu : 0xffffffffu;
                        const unsigned upper = left <= 2 ? 0 : 0xffffu;
                        words = make_uint4(words.x & lower, words.y & lower, words.z & upper, words.w & upper);
                    }
                    store16(to + 2 * u * scores_of_query, words);
                }
            }
            as_left(weights[0], scores[0][0], scores[0][1]);
            as_left(weights[1], scores[1][0], scores[1][1]);
#pragma unroll
            for (int pair = 0; pair < D / 16; pair++) {
                unsigned right[4];
                load_right_summed(right, queries, operands, pair);
                multiply_pair(key_sums[0][2 * pair], key_sums[0][2 * pair + 1], weights[0], right);
                multiply_pair(key_sums[1][2 * pair], key_sums[1][2 * pair + 1], weights[1], right);
            }
        }
    }

    copy_async_wait<0>();
    __syncthreads();
    if (idle) {
        return;
    }
    const float scaled[4] = {in.scale, in.scale, in.scale, in.scale};
    const Rows dk = rows_of(in.dk, in.dk_stride, row, head, in.keys, in.head_size);
    const Rows dv = rows_of(in.dv, in.dv_stride, row, head, in.keys, in.head_size);
    store_rows<D>(key_sums, scaled, shared->k, dk, first, warp, lane);
    store_rows<D>(value_sums, scaled, shared->v, dv, first, warp, lane);
}

#define KEY_GRADIENT_PARAMETERS                                                                                        \
    const bf16 *q, const bf16 *k, const bf16 *v, const bf16 *d_result, bf16 *dk, bf16 *dv, const float *bias,          \
        const int *query_segments, const int *key_segments, const float *log_sums, const unsigned char *mask,          \
        const float *deltas, bf16 *d_scores, int q_stride, int k_stride, int v_stride, int dk_stride, int dv_stride,   \
        int heads, int head_size, int queries, int keys, int causal, float scale, float inverse_scale

#define KEY_GRADIENT_OPERANDS                                                                                          \
    KeyGradient {                                                                                                      \
        q, k, v, d_result, dk, dv, bias, query_segments, key_segments, log_sums, mask, deltas, d_scores, q_stride,     \
            k_stride, v_stride, dk_stride, dv_stride, heads, head_size, queries, keys, causal, scale, inverse_scale    \
    }
