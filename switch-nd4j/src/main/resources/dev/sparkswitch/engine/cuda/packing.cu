// A routing without its empty slots: the taken slots of an expert side by side, in their order. A block takes an expert.

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;

// counts[e] = taken slots of expert e; token_of_slot [experts, slots] holds -1 in empty ones.
extern "C" __global__ void __launch_bounds__(THREADS) count_slots(const int* token_of_slot, int slots, int* counts) {
    __shared__ int sums[WARPS];
    const int* tokens = token_of_slot + static_cast<long long>(blockIdx.x) * slots;
    int count = 0;
    for (int first = 0; first < slots; first += THREADS) {
        int slot = first + threadIdx.x;
        count += __popc(__ballot_sync(ALL_LANES, slot < slots && tokens[slot] >= 0));
    }
    if (threadIdx.x % WARP == 0) {
        sums[threadIdx.x / WARP] = count;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        int sum = 0;
        for (int warp = 0; warp < WARPS; warp++) {
            sum += sums[warp];
        }
        counts[blockIdx.x] = sum;
    }
}

// The places of expert e begin at firsts[e] and end where those of the next one begin. token_of_place and gate_of_place get
// what its taken slots have, and -1 and 0 in the places behind them; place_of_slot says where a slot went, -1 for nowhere.
extern "C" __global__ void __launch_bounds__(THREADS) pack_slots(
    const int* token_of_slot,
    const float* gate_of_slot,
    int slots,
    const int* firsts,
    int* token_of_place,
    float* gate_of_place,
    int* place_of_slot) {
    __shared__ int sums[2][WARPS];
    long long own = static_cast<long long>(blockIdx.x) * slots;
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int next = firsts[blockIdx.x];
    int end = firsts[blockIdx.x + 1];
    int turn = 0;
    for (int first = 0; first < slots; first += THREADS) {
        int slot = first + threadIdx.x;
        int token = slot < slots ? token_of_slot[own + slot] : -1;
        unsigned taken = __ballot_sync(ALL_LANES, token >= 0);
        if (lane == 0) {
            sums[turn][warp] = __popc(taken);
        }
        __syncthreads();
        int place = next + __popc(taken & ((1u << lane) - 1));
        for (int i = 0; i < WARPS; i++) {
            place += i < warp ? sums[turn][i] : 0;
            next += sums[turn][i];
        }
        if (slot < slots) {
            place_of_slot[own + slot] = token >= 0 ? place : -1;
        }
        if (token >= 0) {
            token_of_place[place] = token;
            gate_of_place[place] = gate_of_slot[own + slot];
        }
        turn ^= 1;
    }
    for (int place = next + threadIdx.x; place < end; place += THREADS) {
        token_of_place[place] = -1;
        gate_of_place[place] = 0.0f;
    }
}

// places[i] = place of the slot slots[i]; -1 stays -1.
extern "C" __global__ void places_of_slots(const int* slots, const int* place_of_slot, int* places, long long n) {
    long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < n) {
        places[i] = slots[i] < 0 ? -1 : place_of_slot[slots[i]];
    }
}
