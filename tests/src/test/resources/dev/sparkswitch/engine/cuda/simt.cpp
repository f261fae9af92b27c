// The emulation that simt.h declares. It is compiled together with each module of kernels.

#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace simt {

uint3 thread_index, block_index, block_size, grid_size;
const Registered* registered;

namespace {

constexpr int MOST_THREADS = 1024;
constexpr int MOST_SHARED = 256 * 1024;
constexpr std::size_t STACK_BYTES = 128 * 1024;
constexpr std::size_t GUARD_BYTES = 64 * 1024;

enum class State { READY, AT_BLOCK_BARRIER, AT_WARP, DONE };

#ifdef __x86_64__
// A switch saves what the calling convention wants kept, on the stack that it leaves.
typedef void* Context;
extern "C" void simt_switch(Context* save, Context load);
asm(R"(
.text
.p2align 4
.local simt_switch
.type simt_switch, @function
simt_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size simt_switch, .-simt_switch
)");

void switch_context(Context& save, Context& load) { simt_switch(&save, load); }

void prepare(Context& context, char* stack, void (*entry)()) {
    // The entry finds the stack as after a call: 8 bytes below a multiple of 16.
    void** top = reinterpret_cast<void**>(stack + STACK_BYTES) - 2;
    *top = reinterpret_cast<void*>(entry);
    context = top - 6;
}
#else
typedef ucontext_t Context;

void switch_context(Context& save, Context& load) { swapcontext(&save, &load); }

void prepare(Context& context, char* stack, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
}
#endif

struct Copy {
    void* to;
    const void* from;
    unsigned size;
    int bytes;
    int group;
};

struct Thread {
    Context context;
    State state;
    // What it waits at.
    const char* name;
    int line;
    unsigned mask;
    Resolver resolve;
    void* payload;
    int group;
    std::vector<Copy> copies;
};

struct Warp {
    unsigned arrived;
};

Thread threads[MOST_THREADS];
Warp warps[MOST_THREADS / LANES];
Context scheduler;
int current;
char* stacks;
alignas(128) unsigned char dynamic_memory[MOST_SHARED];
int barrier_arrived;
int barrier_sum;
int barrier_result;
std::string error;
bool failed;
const Registered* kernel;
void* const* kernel_arguments;

char* stack_of(int thread) { return stacks + thread * (STACK_BYTES + GUARD_BYTES) + GUARD_BYTES; }

char* share_stacks(char* others) {
    stacks = others;
    if (stacks == nullptr) {
        std::size_t each = STACK_BYTES + GUARD_BYTES;
        stacks = static_cast<char*>(
            mmap(nullptr, each * MOST_THREADS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        for (int i = 0; i < MOST_THREADS; i++) {
            mprotect(stacks + i * each, GUARD_BYTES, PROT_NONE);
        }
    }
    return stacks;
}

void yield() { switch_context(threads[current].context, scheduler); }

void wait(State state, const char* name, int line) {
    threads[current].state = state;
    threads[current].name = name;
    threads[current].line = line;
    yield();
}

void entry() {
    kernel->call(kernel, kernel_arguments);
    threads[current].state = State::DONE;
    yield();
}

std::string where(int thread) {
    const Thread& t = threads[thread];
    std::string text = "thread " + std::to_string(thread);
    if (t.state == State::DONE) {
        return text + " ended";
    }
    return text + " waits at " + t.name + " in line " + std::to_string(t.line);
}

void run(int thread) {
    current = thread;
    thread_index.x = static_cast<unsigned>(thread);
    switch_context(scheduler, threads[thread].context);
}

// Runs a warp until every lane waits for others or has ended; whether any ran.
bool run_warp(int first, int last, bool backwards) {
    bool any = false;
    for (bool again = true; again && !failed;) {
        again = false;
        for (int i = first; i < last && !failed; i++) {
            int thread = backwards ? last - 1 - (i - first) : i;
            if (threads[thread].state == State::READY) {
                run(thread);
                again = true;
                any = true;
            }
        }
    }
    return any;
}

void report_standstill(int count) {
    int first = 0;
    while (threads[first].state == State::DONE) {
        first++;
    }
    std::string other;
    for (int thread = 0; thread < count && other.empty(); thread++) {
        const Thread& t = threads[thread];
        if (t.state != threads[first].state || (t.state != State::DONE && t.line != threads[first].line)) {
            other = where(thread);
        }
    }
    error = where(first) + (other.empty() ? ", and nobody comes" : " while " + other);
    failed = true;
}

extern "C" char __start_simt_shared[] __attribute__((weak));
extern "C" char __stop_simt_shared[] __attribute__((weak));

void run_block(int count, int shared_bytes, bool backwards) {
    // NaN, and a very negative number: shared memory begins with whatever another block left there.
    if (__start_simt_shared != nullptr) {
        std::memset(__start_simt_shared, 0xff, static_cast<std::size_t>(__stop_simt_shared - __start_simt_shared));
    }
    std::memset(dynamic_memory, 0xff, static_cast<std::size_t>(shared_bytes) + 256);
    barrier_arrived = 0;
    barrier_sum = 0;
    for (int thread = 0; thread < count; thread++) {
        threads[thread].state = State::READY;
        threads[thread].copies.clear();
        threads[thread].group = 0;
        prepare(threads[thread].context, stack_of(thread), entry);
    }
    for (Warp& warp : warps) {
        warp.arrived = 0;
    }
    int warp_count = count / LANES;
    for (;;) {
        bool any = false;
        // Warps in one order in some blocks and in the other in others: a barrier that is missing shows.
        for (int i = 0; i < warp_count && !failed; i++) {
            int warp = backwards ? warp_count - 1 - i : i;
            any |= run_warp(warp * LANES, (warp + 1) * LANES, backwards);
        }
        if (failed) {
            return;
        }
        if (!any) {
            for (int thread = 0; thread < count; thread++) {
                if (threads[thread].state != State::DONE) {
                    report_standstill(count);
                    return;
                }
            }
            break;
        }
    }
    for (int i = shared_bytes; i < shared_bytes + 256; i++) {
        if (dynamic_memory[i] != 0xff) {
            error = "a write beyond the " + std::to_string(shared_bytes) + " bytes of dynamic shared memory";
            failed = true;
            return;
        }
    }
}

}  // namespace

void* dynamic_shared() { return dynamic_memory; }

void fail(const char* format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    error = std::string(text) + " (thread " + std::to_string(current) + ")";
    failed = true;
    for (;;) {
        yield();
    }
}

void require_aligned(const void* address, unsigned bytes) {
    if (reinterpret_cast<std::uintptr_t>(address) % bytes != 0) {
        fail("an access of %u bytes at the address %p", bytes, address);
    }
}

int block_barrier(const char* name, int line, int value) {
    int count = static_cast<int>(block_size.x);
    barrier_sum += value;
    if (++barrier_arrived < count) {
        wait(State::AT_BLOCK_BARRIER, name, line);
        return barrier_result;
    }
    barrier_arrived = 0;
    barrier_result = barrier_sum;
    barrier_sum = 0;
    for (int thread = 0; thread < count; thread++) {
        if (thread != current) {
            if (threads[thread].line != line) {
                threads[current].state = State::AT_BLOCK_BARRIER;
                threads[current].name = name;
                threads[current].line = line;
                fail("%s while %s", where(thread).c_str(), where(current).c_str());
            }
            threads[thread].state = State::READY;
        }
    }
    return barrier_result;
}

void warp_collective(const char* name, Resolver resolve, unsigned mask, void* payload, int line) {
    int lane_number = current % LANES;
    int first = current - lane_number;
    Warp& warp = warps[current / LANES];
    Thread& self = threads[current];
    if (!(mask >> lane_number & 1)) {
        fail("lane %d calls %s in line %d with a mask without itself (%08x)", lane_number, name, line, mask);
    }
    self.name = name;
    self.line = line;
    self.mask = mask;
    self.resolve = resolve;
    self.payload = payload;
    warp.arrived |= 1u << lane_number;
    if ((warp.arrived & mask) != mask) {
        wait(State::AT_WARP, name, line);
        return;
    }
    void* payloads[LANES] = {};
    for (int i = 0; i < LANES; i++) {
        if (mask >> i & 1) {
            const Thread& other = threads[first + i];
            if (other.mask != mask || other.resolve != resolve || other.line != line) {
                self.state = State::AT_WARP;
                fail("lanes apart: %s with mask %08x while %s with mask %08x", where(first + i).c_str(), other.mask,
                     where(current).c_str(), mask);
            }
            payloads[i] = other.payload;
        }
    }
    resolve(payloads, mask);
    warp.arrived &= ~mask;
    for (int i = 0; i < LANES; i++) {
        if (mask >> i & 1 && first + i != current) {
            threads[first + i].state = State::READY;
        }
    }
}

namespace {
struct Vote {
    bool predicate;
    unsigned result;
};

void resolve_vote(void* const* payloads, unsigned mask) {
    unsigned result = 0;
    for (int lane = 0; lane < LANES; lane++) {
        if (mask >> lane & 1 && static_cast<Vote*>(payloads[lane])->predicate) {
            result |= 1u << lane;
        }
    }
    for (int lane = 0; lane < LANES; lane++) {
        if (mask >> lane & 1) {
            static_cast<Vote*>(payloads[lane])->result = result;
        }
    }
}

struct Mma {
    float* d;
    const unsigned* a;
    const unsigned* b;
};

float half(unsigned pair, int which) { return from_bf16(which == 0 ? pair & 0xffffu : pair >> 16); }

void resolve_mma(void* const* payloads, unsigned) {
    float a[16][16];
    float b[16][8];
    for (int lane = 0; lane < LANES; lane++) {
        const Mma* mma = static_cast<Mma*>(payloads[lane]);
        int group = lane / 4;
        int quarter = lane % 4;
        for (int i = 0; i < 2; i++) {
            int column = 2 * quarter + i;
            a[group][column] = half(mma->a[0], i);
            a[group + 8][column] = half(mma->a[1], i);
            a[group][column + 8] = half(mma->a[2], i);
            a[group + 8][column + 8] = half(mma->a[3], i);
            b[column][group] = half(mma->b[0], i);
            b[column + 8][group] = half(mma->b[1], i);
        }
    }
    for (int lane = 0; lane < LANES; lane++) {
        const Mma* mma = static_cast<Mma*>(payloads[lane]);
        for (int i = 0; i < 4; i++) {
            int row = lane / 4 + (i < 2 ? 0 : 8);
            int column = 2 * (lane % 4) + i % 2;
            float sum = mma->d[i];
            for (int k = 0; k < 16; k++) {
                sum += a[row][k] * b[k][column];
            }
            mma->d[i] = sum;
        }
    }
}

struct Matrices {
    unsigned* r;
    const unsigned short* row;
    bool transposed;
};

void resolve_matrices(void* const* payloads, unsigned) {
    for (int lane = 0; lane < LANES; lane++) {
        const Matrices* to = static_cast<Matrices*>(payloads[lane]);
        for (int i = 0; i < 4; i++) {
            unsigned pair[2];
            for (int j = 0; j < 2; j++) {
                int row = to->transposed ? 2 * (lane % 4) + j : lane / 4;
                int column = to->transposed ? lane / 4 : 2 * (lane % 4) + j;
                pair[j] = static_cast<Matrices*>(payloads[8 * i + row])->row[column];
            }
            to->r[i] = pair[0] | pair[1] << 16;
        }
    }
}
}  // namespace

unsigned ballot(unsigned mask, bool predicate, int line) {
    Vote vote{predicate, 0};
    warp_collective("a vote", resolve_vote, mask, &vote, line);
    return vote.result;
}

void mma_16x8x16(float* d, const unsigned* a, const unsigned* b, int line) {
    Mma mma{d, a, b};
    warp_collective("mma", resolve_mma, 0xffffffffu, &mma, line);
}

void load_matrices(unsigned* r, const void* row, bool transposed, int line) {
    require_aligned(row, 16);
    Matrices matrices{r, static_cast<const unsigned short*>(row), transposed};
    warp_collective("ldmatrix", resolve_matrices, 0xffffffffu, &matrices, line);
}

// Copies happen as late as they may: whoever forgets to wait finds nothing.
void copy_async(void* shared, const void* global, unsigned size, int bytes) {
    require_aligned(shared, size);
    if (bytes != 0 && bytes != static_cast<int>(size)) {
        fail("a copy of %d bytes", bytes);
    }
    if (bytes != 0) {
        require_aligned(global, size);
    }
    threads[current].copies.push_back({shared, global, size, bytes, threads[current].group});
}

void copy_async_commit() { threads[current].group++; }

void copy_async_wait(int pending) {
    Thread& self = threads[current];
    std::vector<Copy> later;
    for (const Copy& copy : self.copies) {
        if (copy.group >= self.group - pending) {
            later.push_back(copy);
        } else if (copy.bytes == 0) {
            std::memset(copy.to, 0, copy.size);
        } else {
            std::memcpy(copy.to, copy.from, copy.size);
        }
    }
    self.copies.swap(later);
}

}  // namespace simt

// What the host calls.

extern "C" const char* simt_kinds(const char* name) {
    for (const simt::Registered* each = simt::registered; each != nullptr; each = each->next) {
        if (std::strcmp(each->name, name) == 0) {
            return each->kinds;
        }
    }
    return nullptr;
}

// The stacks of the threads: those of another module, or new ones where there are none.
extern "C" char* simt_share_stacks(char* others) { return simt::share_stacks(others); }

// Null, or what went wrong.
extern "C" const char* simt_launch(
    const char* name, int blocks_x, int blocks_y, int blocks_z, int count, int shared_bytes, void* const* arguments) {
    using namespace simt;
    static bool odd;
    odd = !odd;
    kernel = registered;
    while (std::strcmp(kernel->name, name) != 0) {
        kernel = kernel->next;
    }
    kernel_arguments = arguments;
    failed = false;
    grid_size = {static_cast<unsigned>(blocks_x), static_cast<unsigned>(blocks_y), static_cast<unsigned>(blocks_z)};
    block_size = {static_cast<unsigned>(count), 1, 1};
    thread_index = {0, 0, 0};
    long long blocks = static_cast<long long>(blocks_x) * blocks_y * blocks_z;
    for (long long i = 0; i < blocks && !failed; i++) {
        long long block = odd ? i : blocks - 1 - i;
        block_index = {
            static_cast<unsigned>(block % blocks_x), static_cast<unsigned>(block / blocks_x % blocks_y),
            static_cast<unsigned>(block / blocks_x / blocks_y)};
        run_block(count, shared_bytes, (i % 2 == 1) == odd);
        if (failed) {
            error += " of block (" + std::to_string(block_index.x) + ", " + std::to_string(block_index.y) + ", " +
                     std::to_string(block_index.z) + ")";
        }
    }
    return failed ? error.c_str() : nullptr;
}
