// What only some routing policies need, after routing.cu has found probabilities and choices: tokens that overflow their
// experts, and experts that choose. Arrays by tile and expert are those of routing.cu.

constexpr int THREADS = 256;
constexpr int TILE = WARP;
constexpr int MOST_EXPERTS = 2048;
constexpr int KEPT = 0;
constexpr int DROPPED = 1;

// The expert that follows `last` in a token's order; -1 after the last.
__device__ __forceinline__ int expert_after(
    const float* probabilities, const Dropout& sampling, long long token, int experts, int last) {
    const float* p = probabilities + token * experts;
    float last_order = preference(p[last], sampling, token, experts, last);
    int best = -1;
    float best_order = 0.0f;
    for (int expert = 0; expert < experts; expert++) {
        float order = preference(p[expert], sampling, token, experts, expert);
        bool after = order < last_order || (order == last_order && expert > last);
        if (after && (best < 0 || order > best_order)) {
            best = expert;
            best_order = order;
        }
    }
    return best;
}

__device__ __forceinline__ int* shared_counts() {
    __shared__ int counts[MOST_EXPERTS];
    return counts;
}

__device__ __forceinline__ int* shared_flag() {
    __shared__ int flag;
    return &flag;
}

// Rounds in which every choice without a slot tries the next expert of its token; a block a routing group. In a round tokens
// first make their wishes, then every expert, a thread each, looks through them in token order: no two threads ever write to
// the same place. `chosen` holds 32 * expert and something below; last and wish are [T].
extern "C" __global__ void __launch_bounds__(THREADS) reroute(
    const float* probabilities,
    const int* chosen,
    Dropout sampling,
    int group_tokens,
    int tiles_a_group,
    int tiles,
    int experts,
    int choices,
    int shared_gates,
    int most,
    const int* capacities,
    int slots_an_expert,
    int* last,
    int* wish,
    int* token_of_slot,
    float* gate_of_slot,
    int* slots_of_token,
    int* dropped,
    float* by_expert) {
    Capacity capacity = {most, capacities};
    int* taken = shared_counts();
    int* searching = shared_flag();
    int group = blockIdx.x;
    int first = group * group_tokens;
    int end = first + group_tokens;
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        long long slot = static_cast<long long>(expert) * slots_an_expert + group * most;
        int count = 0;
        while (count < capacity.of(expert) && token_of_slot[slot + count] >= 0) {
            count++;
        }
        taken[expert] = count;
    }
    for (int token = first + threadIdx.x; token < end; token += blockDim.x) {
        int seen = -1;
        for (int c = 0; c < choices; c++) {
            int choice = chosen[static_cast<long long>(token) * choices + c];
            seen = choice >= 0 ? choice / TILE : seen;
        }
        last[token] = seen;
    }
    bool more = true;
    while (more) {
        __syncthreads();
        if (threadIdx.x == 0) {
            *searching = 0;
        }
        for (int c = 0; c < choices; c++) {
            __syncthreads();
            for (int token = first + threadIdx.x; token < end; token += blockDim.x) {
                long long at = static_cast<long long>(token) * choices + c;
                int wanted = -1;
                if (chosen[at] >= 0 && slots_of_token[at] < 0 && last[token] >= 0) {
                    wanted = expert_after(probabilities, sampling, token, experts, last[token]);
                    last[token] = wanted;
                    if (wanted >= 0) {
                        *searching = 1;
                    }
                }
                wish[token] = wanted;
            }
            __syncthreads();
            for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
                for (int token = first; token < end && taken[expert] < capacity.of(expert); token++) {
                    if (wish[token] == expert) {
                        int slot = expert * slots_an_expert + group * most + taken[expert]++;
                        token_of_slot[slot] = token;
                        slots_of_token[static_cast<long long>(token) * choices + c] = slot;
                    }
                }
            }
        }
        __syncthreads();
        more = *searching != 0;
    }
    for (int token = first + threadIdx.x; token < end; token += blockDim.x) {
        const float* p = probabilities + static_cast<long long>(token) * experts;
        long long at = static_cast<long long>(token) * choices;
        float sum = 0.0f;
        for (int c = 0; c < choices; c++) {
            int slot = slots_of_token[at + c];
            int expert = slot >= 0 ? slot / slots_an_expert : chosen[at + c] >= 0 ? chosen[at + c] / TILE : -1;
            sum += expert < 0 ? 0.0f : p[expert];
        }
        for (int c = 0; c < choices; c++) {
            int slot = slots_of_token[at + c];
            if (slot >= 0) {
                gate_of_slot[slot] = p[slot / slots_an_expert] / (shared_gates != 0 ? sum : 1.0f);
            }
        }
    }
    int first_tile = group * tiles_a_group;
    float lost = 0.0f;
    for (int expert = threadIdx.x; expert < experts; expert += blockDim.x) {
        int own = 0;
        for (long long at = static_cast<long long>(first) * choices; at < static_cast<long long>(end) * choices; at++) {
            own += chosen[at] >= 0 && chosen[at] / TILE == expert && slots_of_token[at] < 0 ? 1 : 0;
        }
        lost += own;
        for (int tile = first_tile; tile < first_tile + tiles_a_group; tile++) {
            long long at = static_cast<long long>(tile) * experts + expert;
            long long block = static_cast<long long>(tiles) * experts;
            by_expert[KEPT * block + at] = tile == first_tile ? taken[expert] : 0.0f;
            by_expert[DROPPED * block + at] = tile == first_tile ? own : 0.0f;
        }
    }
    lost = block_sum(lost);
    for (int tile = first_tile + threadIdx.x; tile < first_tile + tiles_a_group; tile += blockDim.x) {
        dropped[tile] = tile == first_tile ? static_cast<int>(lost) : 0;
    }
}

__device__ __forceinline__ int warp_count(bool holds) {
    return __popc(__ballot_sync(ALL_LANES, holds));
}

// An expert's tokens of a group, a warp a pair: the least probability that gets a slot by bisection of its bits, which are in
// the order of the numbers as these are not negative; then the slots in token order.
extern "C" __global__ void expert_choice(
    const float* probabilities,
    const int* first_choice,
    int groups,
    int group_tokens,
    int tiles_a_group,
    int experts,
    int capacity,
    int slots_an_expert,
    double factor,
    int least,
    int* token_of_slot,
    float* gate_of_slot,
    int* slots_of_token,
    float* by_expert) {
    int lane = threadIdx.x % WARP;
    int pair = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (pair >= groups * experts) {
        return;
    }
    int group = pair / experts;
    int expert = pair % experts;
    int first = group * group_tokens;
    int end = first + group_tokens;
    int routed = 0;
    for (int from = first; from < end; from += WARP) {
        routed += warp_count(from + lane < end && first_choice[min(from + lane, end - 1)] >= 0);
    }
    int wanted = max(least, static_cast<int>(factor * routed / experts));
    int count = min(min(routed, capacity), wanted);
    unsigned bound = 0;
    for (int bit = 30; bit >= 0; bit--) {
        unsigned tried = bound | 1u << bit;
        int reached = 0;
        for (int from = first; from < end; from += WARP) {
            int token = min(from + lane, end - 1);
            unsigned bits = __float_as_uint(probabilities[static_cast<long long>(token) * experts + expert]);
            reached += warp_count(from + lane < end && first_choice[token] >= 0 && bits >= tried);
        }
        bound = reached >= count ? tried : bound;
    }
    int above = 0;
    for (int from = first; from < end; from += WARP) {
        int token = min(from + lane, end - 1);
        unsigned bits = __float_as_uint(probabilities[static_cast<long long>(token) * experts + expert]);
        above += warp_count(from + lane < end && first_choice[token] >= 0 && bits > bound);
    }
    int ties = count - above;
    int place = 0;
    for (int from = first; from < end; from += WARP) {
        int token = min(from + lane, end - 1);
        long long at = static_cast<long long>(token) * experts + expert;
        float probability = probabilities[at];
        unsigned bits = __float_as_uint(probability);
        bool inside = from + lane < end;
        bool member = inside && first_choice[token] >= 0;
        unsigned before = (1u << lane) - 1;
        unsigned equals = __ballot_sync(ALL_LANES, member && bits == bound);
        bool takes = member && (bits > bound || (bits == bound && __popc(equals & before) < ties));
        unsigned takers = __ballot_sync(ALL_LANES, takes);
        int slot = expert * slots_an_expert + group * capacity + place + __popc(takers & before);
        if (takes) {
            token_of_slot[slot] = token;
            gate_of_slot[slot] = probability;
        }
        if (inside) {
            slots_of_token[at] = takes ? slot : -1;
        }
        ties -= min(ties, __popc(equals));
        place += __popc(takers);
    }
    if (lane == 0) {
        by_expert[static_cast<long long>(group * tiles_a_group) * experts + expert] = place;
    }
}

// dropped[tile] = routed tokens that no expert took; a block a tile.
extern "C" __global__ void idle_tokens(
    const int* first_choice,
    const int* slots_of_token,
    int unit_tokens,
    int tiles_a_unit,
    int experts,
    int* dropped) {
    int tile = blockIdx.x;
    int first = tile / tiles_a_unit * unit_tokens + tile % tiles_a_unit * TILE;
    int tokens = min(TILE, unit_tokens - tile % tiles_a_unit * TILE);
    float idle = 0.0f;
    for (int i = threadIdx.x; i < tokens; i += blockDim.x) {
        bool taken = first_choice[first + i] < 0;
        for (int expert = 0; expert < experts && !taken; expert++) {
            taken = slots_of_token[static_cast<long long>(first + i) * experts + expert] >= 0;
        }
        idle += taken ? 0.0f : 1.0f;
    }
    idle = block_sum(idle);
    if (threadIdx.x == 0) {
        dropped[tile] = static_cast<int>(idle);
    }
}
