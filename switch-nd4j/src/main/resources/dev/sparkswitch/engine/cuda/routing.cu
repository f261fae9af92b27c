// Routing by tokens' choices with capacity, without a word to the host; policies.cu has what only some policies need. Tokens are taken in tiles of 32 that lie in one routing group and
// one group of the balance loss. A tile counts the choices of each expert and ranks its own; the slots then follow from the
// counts of the tiles before it, in the order that the contract wants: first choices in token order, then second ones.

constexpr int TILE = WARP;
constexpr int TILE_WARPS = 8;
constexpr int MOST_EXPERTS = 2048;
// The logit of an expert that does not exist: unlike infinity it can be subtracted from itself.
constexpr float LOWEST = -3.402823466e38f;
// By tile and expert, as the blocks of the statistics behind the demand: slots that were taken, choices that found none, and
// entropy and largest probability of the tokens whose first choice the expert is.
constexpr int KEPT = 0;
constexpr int DROPPED = 1;
constexpr int ENTROPY = 2;
constexpr int CONFIDENCE = 3;
// Sums over a tile or a balance group: squared logsumexp, entropy, largest probability, routed tokens.
constexpr int SUMS = 4;
constexpr int ROUTED = 3;
// Entries of the vector of statistics, as in dev.sparkswitch.engine.RoutingStatistics.
constexpr int STATISTICS_BALANCE = 0;
constexpr int STATISTICS_Z = 1;
constexpr int STATISTICS_ROUTED = 2;
constexpr int STATISTICS_DROPPED = 3;
constexpr int STATISTICS_ENTROPY = 4;
constexpr int STATISTICS_CONFIDENCE = 5;
constexpr int STATISTICS_DEMAND = 6;

// How tokens are cut into tiles: `units` of equal size, each in one routing group and one balance group.
struct Tiling {
    int unit_tokens;
    int tiles_a_unit;
    int tiles_a_group;
    int tiles_a_balance_group;
    int group_tokens;

    __device__ __forceinline__ int first_token(int tile) const {
        return tile / tiles_a_unit * unit_tokens + tile % tiles_a_unit * TILE;
    }

    __device__ __forceinline__ int tokens(int tile) const {
        return min(TILE, unit_tokens - tile % tiles_a_unit * TILE);
    }
};

// x *= U(1 - jitter, 1 + jitter), to float32.
extern "C" __global__ void router_input(
    const compute_t* x, Dropout noise, float low, float span, float* y, unsigned items, int width, int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned row = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        long long at = static_cast<long long>(row) * width;
        float values[COLUMNS];
        load_columns(x + at, column, width, values);
        if (noise.active()) {
            unsigned words[COLUMNS];
            random_words(noise, noise.element(0, row, width) + column, words);
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                values[i] *= low + span * static_cast<float>(words[i]);
            }
        }
        store_columns(y + at, column, width, values);
    }
}

// x becomes the nearest bfloat16, in float32.
extern "C" __global__ void round_to_bfloat16(float* x, long long n) {
    long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        x[i] = to_float(to_bf16(x[i]));
    }
}

// dx += dy * noise.
extern "C" __global__ void router_input_backward(
    const float* dy, Dropout noise, float low, float span, compute_t* dx, unsigned items, int width, int items_a_row) {
    unsigned item = blockIdx.x * blockDim.x + threadIdx.x;
    if (item < items) {
        unsigned row = item / items_a_row;
        int column = static_cast<int>(item % items_a_row) * COLUMNS;
        long long at = static_cast<long long>(row) * width;
        float values[COLUMNS];
        float sum[COLUMNS];
        load_columns(dy + at, column, width, values);
        load_columns(dx + at, column, width, sum);
        if (noise.active()) {
            unsigned words[COLUMNS];
            random_words(noise, noise.element(0, row, width) + column, words);
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                values[i] *= low + span * static_cast<float>(words[i]);
            }
        }
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
            sum[i] += values[i];
        }
        store_columns(dx + at, column, width, sum);
    }
}

// The factor of an expert in the balance loss; 1 where all have one size.
__device__ __forceinline__ float balance_factor(const float* weights, int expert) {
    return weights == nullptr ? 1.0f : weights[expert];
}

// How far loops over a lane's experts are unrolled: wholly up to 256 experts, whose numbers then stay in registers; beyond,
// code would grow out of hand.
template <int N>
constexpr int UNROLLED = N <= 256 / WARP ? N : 2;

// An expert and what it is ordered by.
struct Choice {
    float order;
    int expert;
};

// The best choice after `last` in falling order and, among equals, of rising number; a warp's lanes hold the order of experts
// lane, lane + 32 and so on. `place` is taken where there is no number to order by.
template <int N>
__device__ __forceinline__ Choice next_choice(const float (&order)[N], int experts, Choice last, int place) {
    Choice best = {0.0f, MOST_EXPERTS};
#pragma unroll(UNROLLED<N>)
    for (int i = 0; i < N; i++) {
        int expert = threadIdx.x % WARP + i * WARP;
        bool after = order[i] < last.order || (order[i] == last.order && expert > last.expert);
        bool first = last.expert < 0 && order[i] == order[i];
        if (expert < experts && (first || after) && (best.expert == MOST_EXPERTS || order[i] > best.order)) {
            best = {order[i], expert};
        }
    }
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        Choice other = {
            __shfl_xor_sync(ALL_LANES, best.order, distance), __shfl_xor_sync(ALL_LANES, best.expert, distance)};
        bool better = other.order > best.order || (other.order == best.order && other.expert < best.expert);
        if (other.expert < MOST_EXPERTS && (best.expert == MOST_EXPERTS || better)) {
            best = other;
        }
    }
    if (best.expert == MOST_EXPERTS) {
        best = {0.0f, place};
    }
    return best;
}

constexpr Choice BEFORE_ALL = {0.0f, -1};

// The number of one expert among those that a warp's lanes hold.
template <int N>
__device__ __forceinline__ float of_expert(const float (&p)[N], int expert) {
    float own = 0.0f;
#pragma unroll(UNROLLED<N>)
    for (int i = 0; i < N; i++) {
        own = i == expert / WARP ? p[i] : own;
    }
    return __shfl_sync(ALL_LANES, own, expert % WARP);
}

// A tile's probabilities, choices and sums. chosen [T, choices] holds 32 * expert + the choice's rank among those of the same
// expert in the tile, -1 where there is no choice; gates are not yet over their sum. Experts are `given`, or follow from the
// logits; a token has `enough` of them when their probabilities add up to that. Probabilities and logsumexp are `narrow` where
// the router computes in bfloat16.
template <int N>
__device__ __forceinline__ void route_tile(
    const float* logits,
    const int* given,
    const int* routed,
    Tiling tiling,
    int experts,
    int choices,
    float enough,
    bool shared_gates,
    Dropout sampling,
    bool narrow,
    float* probabilities,
    float* log_sum_exp,
    int* first_choice,
    int* chosen,
    float* gates,
    float* gate_sums,
    int* counts,
    float* importance,
    float* sums,
    float* by_expert,
    int tiles,
    int* token_of_slot,
    float* gate_of_slot,
    int slots) {
    __shared__ float of_tokens[SUMS][TILE];
    __shared__ int first_of[TILE];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int tile = blockIdx.x;
    int first = tiling.first_token(tile);
    int tokens = tiling.tokens(tile);
    for (int slot = blockIdx.x * blockDim.x + threadIdx.x; slot < slots; slot += gridDim.x * blockDim.x) {
        token_of_slot[slot] = -1;
        gate_of_slot[slot] = 0.0f;
    }
    for (int i = threadIdx.x; i < choices * experts; i += blockDim.x) {
        counts[static_cast<long long>(tile) * choices * experts + i] = 0;
    }
    if (threadIdx.x < TILE) {
        for (int i = 0; i < SUMS; i++) {
            of_tokens[i][threadIdx.x] = 0.0f;
        }
    }
    __syncthreads();
    for (int place = warp; place < tokens; place += TILE_WARPS) {
        long long token = first + place;
        bool takes_part = routed[token] != 0;
        float x[N];
        float p[N];
        float most = LOWEST;
#pragma unroll(UNROLLED<N>)
        for (int i = 0; i < N; i++) {
            int expert = lane + i * WARP;
            x[i] = expert >= experts ? LOWEST
                   : given == nullptr ? logits[token * experts + expert]
                   : given[token] == expert ? 0.0f : LOWEST;
            most = fmaxf(most, x[i]);
        }
        most = warp_max(most);
        float sum = 0.0f;
#pragma unroll(UNROLLED<N>)
        for (int i = 0; i < N; i++) {
            p[i] = expf(x[i] - most);
            sum += p[i];
        }
        sum = warp_sum(sum);
        float log_sum = logf(sum);
        float entropy = 0.0f;
#pragma unroll(UNROLLED<N>)
        for (int i = 0; i < N; i++) {
            int expert = lane + i * WARP;
            p[i] = takes_part ? p[i] / sum : 0.0f;
            p[i] = narrow ? to_float(to_bf16(p[i])) : p[i];
            // -log p = log sum - (x - most) where p is not rounded; p log p is 0 where p is.
            entropy += p[i] > 0.0f ? p[i] * (narrow ? -logf(p[i]) : log_sum - (x[i] - most)) : 0.0f;
            if (expert < experts) {
                probabilities[token * experts + expert] = p[i];
            }
        }
        entropy = warp_sum(entropy);
        float order[N];
#pragma unroll(UNROLLED<N>)
        for (int i = 0; i < N; i++) {
            order[i] = preference(p[i], sampling, token, experts, lane + i * WARP);
        }
        Choice choice = BEFORE_ALL;
        float gate_sum = 0.0f;
        for (int c = 0; c < choices; c++) {
            float probability = 0.0f;
            int expert = -1;
            if (takes_part && gate_sum < enough) {
                choice = next_choice(order, experts, choice, c);
                expert = choice.expert;
                probability = sampling.active() ? of_expert(p, expert) : choice.order;
                gate_sum += probability;
            }
            if (lane == 0) {
                chosen[token * choices + c] = expert;
                gates[token * choices + c] = probability;
                if (c == 0) {
                    first_choice[token] = expert;
                    first_of[place] = expert;
                }
            }
        }
        if (lane == 0) {
            float z = takes_part ? most + log_sum : 0.0f;
            z = narrow ? to_float(to_bf16(z)) : z;
            float confidence = takes_part ? 1.0f / sum : 0.0f;
            log_sum_exp[token] = z;
            gate_sums[token] = shared_gates ? gate_sum : 1.0f;
            of_tokens[0][place] = z * z;
            of_tokens[1][place] = entropy;
            // The largest logit's exponential is 1.
            of_tokens[2][place] = narrow ? to_float(to_bf16(confidence)) : confidence;
            of_tokens[ROUTED][place] = takes_part ? 1.0f : 0.0f;
        }
    }
    __syncthreads();
    for (int c = warp; c < choices; c += TILE_WARPS) {
        long long at = static_cast<long long>(first + lane) * choices + c;
        int expert = lane < tokens ? chosen[at] : -1;
        unsigned same = __ballot_sync(ALL_LANES, expert >= 0);
        for (int bit = 1; bit < experts; bit *= 2) {
            unsigned set = __ballot_sync(ALL_LANES, (expert & bit) != 0);
            same &= (expert & bit) != 0 ? set : ~set;
        }
        if (expert >= 0) {
            int rank = __popc(same & ((1u << lane) - 1));
            chosen[at] = expert * TILE + rank;
            if (rank == 0) {
                counts[(static_cast<long long>(tile) * choices + c) * experts + expert] = __popc(same);
            }
        }
    }
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        float sum = 0.0f;
        float entropy = 0.0f;
        float confidence = 0.0f;
#pragma unroll 16
        for (int place = 0; place < tokens; place++) {
            sum += probabilities[static_cast<long long>(first + place) * experts + expert];
            entropy += first_of[place] == expert ? of_tokens[1][place] : 0.0f;
            confidence += first_of[place] == expert ? of_tokens[2][place] : 0.0f;
        }
        long long at = static_cast<long long>(tile) * experts + expert;
        long long block = static_cast<long long>(tiles) * experts;
        importance[at] = sum;
        by_expert[KEPT * block + at] = 0.0f;
        by_expert[DROPPED * block + at] = 0.0f;
        by_expert[ENTROPY * block + at] = entropy;
        by_expert[CONFIDENCE * block + at] = confidence;
    }
    if (warp < SUMS) {
        float sum = warp_sum(of_tokens[warp][lane]);
        if (lane == 0) {
            sums[tile * SUMS + warp] = sum;
        }
    }
}

#define ROUTE_TILES_PARAMETERS                                                                                          \
    const float *logits, const int *given, const int *routed, int unit_tokens, int tiles_a_unit, int experts,         \
        int choices, float enough, int shared_gates, Dropout sampling, int narrow, float *probabilities,               \
        float *log_sum_exp, int *first_choice, int *chosen, float *gates, float *gate_sums, int *counts,              \
        float *importance, float *sums, float *by_expert, int tiles, int *token_of_slot, float *gate_of_slot, int slots
#define ROUTE_TILES_ARGUMENTS                                                                                           \
    logits, given, routed, Tiling{unit_tokens, tiles_a_unit, 0, 0, 0}, experts, choices, enough, shared_gates != 0,   \
        sampling, narrow != 0, probabilities, log_sum_exp, first_choice, chosen, gates, gate_sums, counts,            \
        importance, sums, by_expert, tiles, token_of_slot, gate_of_slot, slots

// One copy of the kernel for each number of probabilities that a lane holds.

extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_tiles_64(ROUTE_TILES_PARAMETERS) {
    route_tile<64 / WARP>(ROUTE_TILES_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_tiles_128(ROUTE_TILES_PARAMETERS) {
    route_tile<128 / WARP>(ROUTE_TILES_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_tiles_256(ROUTE_TILES_PARAMETERS) {
    route_tile<256 / WARP>(ROUTE_TILES_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_tiles_2048(ROUTE_TILES_PARAMETERS) {
    route_tile<2048 / WARP>(ROUTE_TILES_ARGUMENTS);
}

// Sums counts of tiles `first`, `first + 1` .. `last - 1` for 256 experts or fewer from `expert` on: threads first share the
// tiles, then add up. `stride` is that from tile to tile. Thread i gets the sum of expert `expert + i`.
template <class T>
__device__ __forceinline__ T sum_tiles(const T* counts, long long stride, int first, int last, int columns, T* shared) {
    int parts = blockDim.x / columns;
    int part = threadIdx.x / columns;
    T sum = 0;
    if (part < parts) {
#pragma unroll 16
        for (int tile = first + part; tile < last; tile += parts) {
            sum += counts[tile * stride + threadIdx.x % columns];
        }
    }
    __syncthreads();
    shared[threadIdx.x] = sum;
    __syncthreads();
    sum = 0;
    if (threadIdx.x < columns) {
        for (int i = 0; i < parts; i++) {
            sum += shared[threadIdx.x + i * columns];
        }
    }
    return sum;
}

// Gives a tile's choices their slots and counts those that find none.
__device__ __forceinline__ void place_tile(
    Tiling tiling,
    int experts,
    int choices,
    Capacity capacity,
    int slots_an_expert,
    const int* chosen,
    const float* gates,
    const float* gate_sums,
    const int* counts,
    int* token_of_slot,
    float* gate_of_slot,
    int* slots_of_token,
    int* dropped,
    float* by_expert,
    int tiles) {
    __shared__ int taken[MOST_EXPERTS];
    __shared__ int before[MOST_EXPERTS];
    __shared__ int kept[MOST_EXPERTS];
    __shared__ int lost[MOST_EXPERTS];
    __shared__ int shared[TILE * TILE_WARPS];
    int tile = blockIdx.x;
    int first_tile = tile / tiling.tiles_a_group * tiling.tiles_a_group;
    int last_tile = first_tile + tiling.tiles_a_group;
    int first = tiling.first_token(tile);
    int group = first / tiling.group_tokens;
    long long stride = static_cast<long long>(choices) * experts;
    int without_slot = 0;
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        taken[expert] = 0;
        kept[expert] = 0;
        lost[expert] = 0;
    }
    for (int c = 0; c < choices; c++) {
        for (int from = 0; from < experts; from += blockDim.x) {
            int columns = min(static_cast<int>(blockDim.x), experts - from);
            const int* own = counts + static_cast<long long>(c) * experts + from;
            int earlier = sum_tiles(own, stride, first_tile, tile, columns, shared);
            // What this choice takes in the whole group matters to the next choice alone.
            int later = c + 1 < choices ? sum_tiles(own, stride, tile, last_tile, columns, shared) : 0;
            if (threadIdx.x < columns) {
                int expert = from + threadIdx.x;
                before[expert] = taken[expert] + earlier;
                taken[expert] += earlier + later;
                int asked = own[tile * stride + threadIdx.x];
                int seated = min(asked, max(0, capacity.of(expert) - before[expert]));
                kept[expert] += seated;
                lost[expert] += asked - seated;
            }
        }
        __syncthreads();
        if (threadIdx.x < TILE) {
            int token = first + threadIdx.x;
            long long at = static_cast<long long>(token) * choices + c;
            bool inside = threadIdx.x < tiling.tokens(tile);
            int choice = inside ? chosen[at] : -1;
            int slot = -1;
            if (choice >= 0) {
                int expert = choice / TILE;
                int place = before[expert] + choice % TILE;
                if (place < capacity.of(expert)) {
                    slot = expert * slots_an_expert + group * capacity.most + place;
                    token_of_slot[slot] = token;
                    gate_of_slot[slot] = gates[at] / gate_sums[token];
                }
            }
            if (inside) {
                slots_of_token[at] = slot;
            }
            without_slot += __popc(__ballot_sync(ALL_LANES, choice >= 0 && slot < 0));
        }
        __syncthreads();
    }
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        long long at = static_cast<long long>(tile) * experts + expert;
        long long block = static_cast<long long>(tiles) * experts;
        by_expert[KEPT * block + at] = kept[expert];
        by_expert[DROPPED * block + at] = lost[expert];
    }
    if (threadIdx.x == 0) {
        dropped[tile] = without_slot;
    }
}

// Experts whose sums over many tiles a block adds up: the fewer, the more of its threads share the tiles.
constexpr int STRIP = 32;

__device__ __forceinline__ int strips_of(int experts) { return (experts + STRIP - 1) / STRIP; }

// A balance group's demand, first choices and sums, for a strip of its experts.
__device__ __forceinline__ void balance_group(
    int strip,
    int group,
    Tiling tiling,
    int experts,
    int choices,
    bool balanced,
    const float* weights,
    const int* counts,
    const float* importance,
    const float* sums,
    float* demand,
    float* firsts,
    float* balances,
    float* group_sums) {
    __shared__ int shared_counts[TILE * TILE_WARPS];
    __shared__ float shared_sums[TILE * TILE_WARPS];
    __shared__ float of_group[SUMS];
    int first_tile = group * tiling.tiles_a_balance_group;
    int last_tile = first_tile + tiling.tiles_a_balance_group;
    float sum = sum_tiles(sums, SUMS, first_tile, last_tile, SUMS, shared_sums);
    if (threadIdx.x < SUMS) {
        of_group[threadIdx.x] = sum;
        if (strip == 0) {
            group_sums[group * SUMS + threadIdx.x] = sum;
        }
    }
    __syncthreads();
    float members = of_group[ROUTED];
    float balance = 0.0f;
    int from = strip * STRIP;
    int columns = min(STRIP, experts - from);
    long long stride = static_cast<long long>(choices) * experts;
    float first = static_cast<float>(sum_tiles(counts + from, stride, first_tile, last_tile, columns, shared_counts));
    float mass = sum_tiles(importance + from, experts, first_tile, last_tile, columns, shared_sums);
    if (threadIdx.x < columns) {
        long long at = static_cast<long long>(group) * experts + from + threadIdx.x;
        float fraction = members == 0.0f ? 0.0f : first / members;
        demand[at] = fraction;
        firsts[at] = first;
        balance = members == 0.0f
                      ? 0.0f
                      : experts * balance_factor(weights, from + threadIdx.x) * fraction * mass / members;
    }
    balance = block_sum(balance);
    if (threadIdx.x == 0) {
        balances[group * strips_of(experts) + strip] = balanced ? balance : 0.0f;
    }
}

// Blocks of the grid: first one a tile for `seats` tiles, all of them or none, then one a balance group and strip.
extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_slots(
    int seats,
    int tiles,
    int unit_tokens,
    int tiles_a_unit,
    int tiles_a_group,
    int tiles_a_balance_group,
    int group_tokens,
    int experts,
    int choices,
    int most,
    const int* capacities,
    int slots_an_expert,
    int balanced,
    const float* weights,
    const int* chosen,
    const float* gates,
    const float* gate_sums,
    const int* counts,
    const float* importance,
    const float* sums,
    int* token_of_slot,
    float* gate_of_slot,
    int* slots_of_token,
    int* dropped,
    float* by_expert,
    float* demand,
    float* firsts,
    float* balances,
    float* group_sums) {
    Tiling tiling = {unit_tokens, tiles_a_unit, tiles_a_group, tiles_a_balance_group, group_tokens};
    if (blockIdx.x < seats) {
        place_tile(
            tiling, experts, choices, {most, capacities}, slots_an_expert, chosen, gates, gate_sums, counts,
            token_of_slot, gate_of_slot, slots_of_token, dropped, by_expert, tiles);
    } else {
        int strips = strips_of(experts);
        int place = blockIdx.x - seats;
        balance_group(
            place % strips, place / strips, tiling, experts, choices, balanced != 0, weights, counts, importance, sums, demand, firsts,
            balances, group_sums);
    }
}

// Sums [tiles, experts] over the tiles, for a strip of experts.
__device__ __forceinline__ void sum_by_expert(const float* by_expert, int strip, int tiles, int experts, float* sums) {
    __shared__ float shared[TILE * TILE_WARPS];
    int from = strip * STRIP;
    int columns = min(STRIP, experts - from);
    float sum = sum_tiles(by_expert + from, experts, 0, tiles, columns, shared);
    if (threadIdx.x < columns) {
        sums[from + threadIdx.x] = sum;
    }
}

// The vector of statistics: one block for the sums and the demand, then one for each block by expert and strip.
extern "C" __global__ void __launch_bounds__(TILE* TILE_WARPS) route_statistics(
    const int* dropped,
    int tiles,
    const float* by_expert,
    const float* firsts,
    const float* balances,
    const float* group_sums,
    int balance_groups,
    int experts,
    float* statistics) {
    int strips = strips_of(experts);
    if (blockIdx.x > 0) {
        int block = (blockIdx.x - 1) / strips;
        sum_by_expert(
            by_expert + block * static_cast<long long>(tiles) * experts,
            (blockIdx.x - 1) % strips,
            tiles,
            experts,
            statistics + STATISTICS_DEMAND + (block + 1) * experts);
        return;
    }
    float balance = 0.0f;
    float sums[SUMS] = {};
    for (int i = threadIdx.x; i < balance_groups * strips; i += blockDim.x) {
        balance += balances[i];
    }
    for (int group = threadIdx.x; group < balance_groups; group += blockDim.x) {
#pragma unroll
        for (int i = 0; i < SUMS; i++) {
            sums[i] += group_sums[group * SUMS + i];
        }
    }
    float lost = 0.0f;
    for (int tile = threadIdx.x; tile < tiles; tile += blockDim.x) {
        lost += dropped[tile];
    }
    balance = block_sum(balance);
    lost = block_sum(lost);
#pragma unroll
    for (int i = 0; i < SUMS; i++) {
        sums[i] = block_sum(sums[i]);
    }
    if (threadIdx.x == 0) {
        statistics[STATISTICS_BALANCE] = balance;
        statistics[STATISTICS_Z] = sums[0];
        statistics[STATISTICS_ROUTED] = sums[ROUTED];
        statistics[STATISTICS_DROPPED] = lost;
        statistics[STATISTICS_ENTROPY] = sums[1];
        statistics[STATISTICS_CONFIDENCE] = sums[2];
    }
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        float sum = 0.0f;
#pragma unroll 8
        for (int group = 0; group < balance_groups; group++) {
            sum += firsts[static_cast<long long>(group) * experts + expert];
        }
        statistics[STATISTICS_DEMAND + expert] = sum;
    }
}

// members[g] = routed tokens of balance group g; a block a group.
extern "C" __global__ void route_members(const int* first_choice, int balance_tokens, float* members) {
    float sum = 0.0f;
    const int* own = first_choice + static_cast<long long>(blockIdx.x) * balance_tokens;
    for (int i = threadIdx.x; i < balance_tokens; i += blockDim.x) {
        sum += own[i] >= 0 ? 1.0f : 0.0f;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
        members[blockIdx.x] = sum;
    }
}

// The gradient of a token's logits, a warp a token.
template <int N>
__device__ __forceinline__ void route_gradient(
    const float* probabilities,
    const float* log_sum_exp,
    const int* slots_of_token,
    const int* first_choice,
    const float* demand,
    const float* members,
    const float* gate_of_slot,
    const float* d_gate,
    float balance_weight,
    const float* weights,
    float z_weight,
    float* d_logits,
    int tokens,
    int balance_tokens,
    int experts,
    int choices,
    int slots_an_expert,
    bool shared_gates,
    bool by_experts,
    Dropout sampling) {
    int lane = threadIdx.x % WARP;
    long long token = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (token >= tokens) {
        return;
    }
    float p[N];
    float gradient[N];
    bool takes_part = first_choice[token] >= 0;
    int group = static_cast<int>(token / balance_tokens);
    float pull = takes_part ? balance_weight * experts / members[group] : 0.0f;
#pragma unroll(UNROLLED<N>)
    for (int i = 0; i < N; i++) {
        int expert = lane + i * WARP;
        p[i] = takes_part && expert < experts ? probabilities[token * experts + expert] : 0.0f;
        gradient[i] = expert < experts ? pull * balance_factor(weights, expert)
                                             * demand[static_cast<long long>(group) * experts + expert]
                                       : 0.0f;
    }
    if (takes_part && by_experts) {
#pragma unroll(UNROLLED<N>)
        for (int i = 0; i < N; i++) {
            int expert = lane + i * WARP;
            int slot = expert < experts ? slots_of_token[token * experts + expert] : -1;
            gradient[i] += slot < 0 ? 0.0f : d_gate[slot];
        }
    } else if (takes_part) {
        // A shared gate is p_c over the sum of the choices' p, with the gradient (dg_c - sum_j g_j dg_j) / sum; a dropped
        // choice has dg = 0 and stands in the sum all the same, so that it has to be found again.
        float order[N];
        float sum = 1.0f;
        float projection = 0.0f;
        if (shared_gates) {
#pragma unroll(UNROLLED<N>)
            for (int i = 0; i < N; i++) {
                order[i] = preference(p[i], sampling, token, experts, lane + i * WARP);
            }
            sum = 0.0f;
            Choice choice = BEFORE_ALL;
            for (int c = 0; c < choices; c++) {
                choice = next_choice(order, experts, choice, c);
                int slot = slots_of_token[token * choices + c];
                sum += of_expert(p, slot < 0 ? choice.expert : slot / slots_an_expert);
                projection += slot < 0 ? 0.0f : gate_of_slot[slot] * d_gate[slot];
            }
        }
        Choice choice = BEFORE_ALL;
        for (int c = 0; c < choices; c++) {
            int slot = slots_of_token[token * choices + c];
            float own = slot < 0 ? 0.0f : d_gate[slot];
            int expert = slot < 0 ? -1 : slot / slots_an_expert;
            if (shared_gates) {
                choice = next_choice(order, experts, choice, c);
                expert = slot < 0 ? choice.expert : expert;
            }
#pragma unroll(UNROLLED<N>)
            for (int i = 0; i < N; i++) {
                gradient[i] += lane + i * WARP == expert ? (own - projection) / sum : 0.0f;
            }
        }
    }
    float projection = 0.0f;
#pragma unroll(UNROLLED<N>)
    for (int i = 0; i < N; i++) {
        projection += gradient[i] * p[i];
    }
    projection = warp_sum(projection);
    float z = 2.0f * z_weight * log_sum_exp[token];
#pragma unroll(UNROLLED<N>)
    for (int i = 0; i < N; i++) {
        int expert = lane + i * WARP;
        if (expert < experts) {
            d_logits[token * experts + expert] = p[i] * (gradient[i] - projection + z);
        }
    }
}

#define ROUTE_GRADIENTS_PARAMETERS                                                                                      \
    const float *probabilities, const float *log_sum_exp, const int *slots_of_token, const int *first_choice,         \
        const float *demand, const float *members, const float *gate_of_slot, const float *d_gate,                    \
        float balance_weight, const float *weights, float z_weight, float *d_logits, int tokens,                      \
        int balance_tokens, int experts, int choices, int slots_an_expert, int shared_gates, int by_experts,          \
        Dropout sampling
#define ROUTE_GRADIENTS_ARGUMENTS                                                                                       \
    probabilities, log_sum_exp, slots_of_token, first_choice, demand, members, gate_of_slot, d_gate, balance_weight,  \
        weights, z_weight, d_logits, tokens, balance_tokens, experts, choices, slots_an_expert, shared_gates != 0,             \
        by_experts != 0, sampling

extern "C" __global__ void route_gradients_64(ROUTE_GRADIENTS_PARAMETERS) {
    route_gradient<64 / WARP>(ROUTE_GRADIENTS_ARGUMENTS);
}

extern "C" __global__ void route_gradients_128(ROUTE_GRADIENTS_PARAMETERS) {
    route_gradient<128 / WARP>(ROUTE_GRADIENTS_ARGUMENTS);
}

extern "C" __global__ void route_gradients_256(ROUTE_GRADIENTS_PARAMETERS) {
    route_gradient<256 / WARP>(ROUTE_GRADIENTS_ARGUMENTS);
}

extern "C" __global__ void route_gradients_2048(ROUTE_GRADIENTS_PARAMETERS) {
    route_gradient<2048 / WARP>(ROUTE_GRADIENTS_ARGUMENTS);
}
