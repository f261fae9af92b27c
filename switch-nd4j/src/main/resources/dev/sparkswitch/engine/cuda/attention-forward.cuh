// softmax(q k^T + bias) v without a matrix of probabilities in memory (Dao et al. 2022, "FlashAttention"): a block takes 128
// queries of one row and head and keeps a running maximum and sum of each query while tiles of keys go by. It leaves the
// logarithm of each query's sum, and applies the mask of kept probabilities, one bit each, that lies
// ready: numbers drawn here would take the registers and the issue slots that products need.


// How far a maximum may rise, as an exponent of e, before sums are scaled down: far from overflow, and mostly never.
constexpr float SLACK = 5.0f;

// The mask of two neighbouring keys' weights, packed as they are, of the `pair`-th of four pairs and row r: byte r of `kept`
// has a bit for each of eight keys.
__device__ __forceinline__ unsigned kept_pair(unsigned kept, int r, int pair) {
    return spread_signs(kept << (7 - 2 * pair), kept << (6 - 2 * pair), r);
}

struct Forward {
    const bf16* q;
    const bf16* k;
    const bf16* v;
    bf16* result;
    const float* bias;
    const int* query_segments;
    const int* key_segments;
    float* log_sums;
    const unsigned char* mask;
    int q_stride;
    int k_stride;
    int v_stride;
    int heads;
    int head_size;
    int queries;
    int keys;
    int causal;
    float scale;
};

template <int D>
struct ForwardShared {
    bf16 q[STAYING * D];
    bf16 k[2][STREAMED * D];
    bf16 v[2][STREAMED * D];
    float window[2][WINDOW];
    int segments[2][STREAMED];
    unsigned mask[2][STAYING][2];
    unsigned char visible[MOST_TILES];
};

template <int D, bool DROP, bool BIAS>
__device__ __forceinline__ void forward(const Forward& in) {
    constexpr int STEPS = D / 16;
    constexpr bool IN_REGISTERS = D <= 64;
    DYNAMIC_SHARED(ForwardShared<D>, shared);
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
    const int group = lane >> 2;
    const int quarter = lane & 3;
    const int first = blockIdx.x * STAYING;
    const int head = blockIdx.y;
    const int row = blockIdx.z;
    const Rows q = rows_of(in.q, in.q_stride, row, head, in.queries, in.head_size);
    const Rows k = rows_of(in.k, in.k_stride, row, head, in.keys, in.head_size);
    const Rows v = rows_of(in.v, in.v_stride, row, head, in.keys, in.head_size);
    const bool wide_keys = k.wide<D>();
    const bool wide_values = v.wide<D>();
    const int* query_segments = in.query_segments + static_cast<long long>(row) * in.queries;
    const int* key_segments = in.key_segments + static_cast<long long>(row) * in.keys;
    const int distances = in.queries + in.keys - 1;
    const float* bias = BIAS ? in.bias + static_cast<long long>(head) * distances : nullptr;
    const int tiles = (in.keys + STREAMED - 1) / STREAMED;
    const long long lines = (static_cast<long long>(row) * in.heads + head) * in.queries;
    const unsigned char* mask =
        DROP ? in.mask + (lines + min(first + static_cast<int>(threadIdx.x), in.queries - 1)) * mask_pitch(in.keys) : nullptr;
    const Operands<D> operands(warp, lane);

    auto load_stage = [&](int stage, int tile) {
        load_tile<D, STREAMED>(shared->k[stage], k, tile * STREAMED, wide_keys);
        load_tile<D, STREAMED>(shared->v[stage], v, tile * STREAMED, wide_values);
        load_line(shared->segments[stage], key_segments, tile * STREAMED, in.keys, threadIdx.x);
        if (BIAS) {
            load_window(shared->window[stage], bias, tile * STREAMED - first - STAYING + in.queries - 1, distances);
        }
        if (DROP) {
            copy_async8(shared->mask[stage][threadIdx.x], mask + tile * (STREAMED / 8), 8);
        }
    };

    const int own = first + warp * WARP_ROWS + 4 * group;
    const bool idle = first + warp * WARP_ROWS >= in.queries;
    int segments[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
        segments[r] = own + r < in.queries ? query_segments[own + r] : 0;
    }
    // The first tile is most often visible: it is on its way while that is found out.
    load_tile<D, STAYING>(shared->q, q, first, q.wide<D>());
    load_stage(0, 0);
    copy_async_commit();
    find_visible(
        shared->visible, query_segments, first, in.queries, key_segments, in.keys, [&](int key) -> unsigned char {
            return !in.causal || key + STREAMED - 1 <= first ? ALL_VISIBLE
                   : key < min(first + STAYING, in.queries)  ? SOME_VISIBLE
                                                             : NONE_VISIBLE;
        });
    const int first_tile = next_visible(shared->visible, 0, tiles);
    const int first_stage = first_tile == 0 ? 0 : 1;
    if (first_tile > 0 && first_tile < tiles) {
        load_stage(first_stage, first_tile);
    }
    copy_async_commit();

    unsigned left[2][STEPS][4];
    float sums[2][D / 8][4] = {};
    float maxima[4] = {-INFINITE, -INFINITE, -INFINITE, -INFINITE};
    float totals[4] = {};

    int tile = first_tile;
    for (int stage = first_stage; tile < tiles; stage ^= 1) {
        copy_async_wait<0>();
        __syncthreads();
        int next = next_visible(shared->visible, tile + 1, tiles);
        if (next < tiles) {
            load_stage(stage ^ 1, next);
        }
        copy_async_commit();
        const int first_key = tile * STREAMED;
        const bool masked = !all_visible(shared->visible, tile);
        const bool begins = IN_REGISTERS && tile == first_tile;
        tile = next;
        if (idle) {
            continue;
        }
        const SharedAddress keys = shared_address(shared->k[stage]);
        const SharedAddress values = shared_address(shared->v[stage]);
        if (begins) {
#pragma unroll
            for (int m = 0; m < 2; m++) {
#pragma unroll
                for (int step = 0; step < STEPS; step++) {
                    load_left(left[m][step], shared_address(shared->q), operands, m, step);
                }
            }
        }
#pragma unroll
        for (int w = 0; w < 2; w++) {
            // A byte for each row
            unsigned kept = 0;
            if (DROP) {
                const unsigned(*rows)[2] = shared->mask[stage] + warp * WARP_ROWS + 4 * group;
                kept = gather_bytes(rows[0][w], rows[1][w], rows[2][w], rows[3][w], quarter);
            }
            float scores[2][4][4];
            if (BIAS) {
                float near[12];
                const float* window = shared->window[stage] + STAYING + 32 * w + 8 * quarter - warp * WARP_ROWS - 4 * group;
#pragma unroll
                for (int i = 0; i < 3; i++) {
                    load_four(near + 4 * i, window + 4 * i - 4);
                }
#pragma unroll
                for (int r = 0; r < 4; r++) {
#pragma unroll
                    for (int y = 0; y < 8; y++) {
                        scores[r >> 1][y >> 1][2 * (r & 1) + (y & 1)] = near[y - r + 4];
                    }
                }
            } else {
#pragma unroll
                for (int i = 0; i < 32; i++) {
                    scores[i / 16][i / 4 % 4][i % 4] = 0;
                }
            }
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                if (!IN_REGISTERS) {
                    load_left(left[0][0], shared_address(shared->q), operands, 0, step);
                    load_left(left[1][0], shared_address(shared->q), operands, 1, step);
                }
#pragma unroll
                for (int t = 0; t < 2; t++) {
                    unsigned right[4];
                    load_right(right, keys + operands.part(w, t), operands, step);
#pragma unroll
                    for (int m = 0; m < 2; m++) {
                        multiply_pair(scores[m][2 * t], scores[m][2 * t + 1], left[m][IN_REGISTERS ? step : 0], right);
                    }
                }
            }
            if (masked) {
                int others[8];
                load_four(others, shared->segments[stage] + 32 * w + 8 * quarter);
                load_four(others + 4, shared->segments[stage] + 32 * w + 8 * quarter + 4);
                const int key = first_key + 32 * w + 8 * quarter;
#pragma unroll
                for (int r = 0; r < 4; r++) {
#pragma unroll
                    for (int y = 0; y < 8; y++) {
                        bool sees = others[y] == segments[r] && segments[r] != 0 && (!in.causal || key + y <= own + r);
                        float& score = scores[r >> 1][y >> 1][2 * (r & 1) + (y & 1)];
                        score = sees ? score : -INFINITE;
                    }
                }
            }
            float highest[4];
            bool rises = false;
#pragma unroll
            for (int r = 0; r < 4; r++) {
                float high = scores[r >> 1][0][2 * (r & 1)];
#pragma unroll
                for (int y = 1; y < 8; y++) {
                    high = fmaxf(high, scores[r >> 1][y >> 1][2 * (r & 1) + (y & 1)]);
                }
                high = fmaxf(high, __shfl_xor_sync(ALL_LANES, high, 1));
                high = fmaxf(high, __shfl_xor_sync(ALL_LANES, high, 2));
                highest[r] = high;
                rises |= high > maxima[r] + SLACK;
            }
            if (__any_sync(ALL_LANES, rises)) {
#pragma unroll
                for (int r = 0; r < 4; r++) {
                    float high = fmaxf(highest[r], maxima[r]);
                    float shrink = high == maxima[r] ? 1.0f : fast_exp2((maxima[r] - high) * LOG2_E);
                    maxima[r] = high;
                    totals[r] *= shrink;
#pragma unroll
                    for (int n = 0; n < D / 8; n++) {
                        sums[r >> 1][n][2 * (r & 1)] *= shrink;
                        sums[r >> 1][n][2 * (r & 1) + 1] *= shrink;
                    }
                }
            }
            float shift[4];
#pragma unroll
            for (int r = 0; r < 4; r++) {
                shift[r] = maxima[r] == -INFINITE ? 0.0f : -maxima[r] * LOG2_E;
            }
#pragma unroll
            for (int r = 0; r < 4; r++) {
#pragma unroll
                for (int y = 0; y < 8; y++) {
                    float& score = scores[r >> 1][y >> 1][2 * (r & 1) + (y & 1)];
                    float probability = fast_exp2(fmaf(score, LOG2_E, shift[r]));
                    totals[r] += probability;
                    score = probability;
                }
            }
#pragma unroll
            for (int t = 0; t < 2; t++) {
                unsigned weights[2][4];
                as_left(weights[0], scores[0][2 * t], scores[0][2 * t + 1]);
                as_left(weights[1], scores[1][2 * t], scores[1][2 * t + 1]);
                if (DROP) {
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        weights[i / 4][i % 4] &= kept_pair(kept, 2 * (i / 4) + (i & 1), 2 * t + (i >> 1 & 1));
                    }
                }
#pragma unroll
                for (int pair = 0; pair < D / 16; pair++) {
                    unsigned right[4];
                    load_right_summed(right, values + operands.part(w, t), operands, pair);
#pragma unroll
                    for (int m = 0; m < 2; m++) {
                        multiply_pair(sums[m][2 * pair], sums[m][2 * pair + 1], weights[m], right);
                    }
                }
            }
        }
    }

    copy_async_wait<0>();
    __syncthreads();
    if (idle) {
        return;
    }
    float scale[4];
#pragma unroll
    for (int r = 0; r < 4; r++) {
        float total = totals[r];
        total += __shfl_xor_sync(ALL_LANES, total, 1);
        total += __shfl_xor_sync(ALL_LANES, total, 2);
        scale[r] = total > 0 ? in.scale / total : 0.0f;
        if (quarter == 0 && own + r < in.queries) {
            // Of a query that sees nothing: probabilities computed from it are 0.
            in.log_sums[lines + own + r] = total > 0 ? maxima[r] * LOG2_E + log2f(total) : INFINITE;
        }
    }
    const Rows result = rows_of(in.result, in.heads * in.head_size, row, head, in.queries, in.head_size);
    store_rows<D>(sums, scale, shared->q, result, first, warp, lane);
}

#define FORWARD_PARAMETERS                                                                                             \
    const bf16 *q, const bf16 *k, const bf16 *v, bf16 *result, const float *bias, const int *query_segments,           \
        const int *key_segments, float *log_sums, const unsigned char *mask, int q_stride, int k_stride, int v_stride,       \
        int heads, int head_size, int queries, int keys, int causal, float scale

#define FORWARD_OPERANDS                                                                                               \
    Forward {                                                                                                          \
        q, k, v, result, bias, query_segments, key_segments, log_sums, mask, q_stride, k_stride, v_stride, heads,      \
            head_size, queries, keys, causal, scale                                                                    \
    }
