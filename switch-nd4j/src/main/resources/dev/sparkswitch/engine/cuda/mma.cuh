// Tensor cores, their loads from shared memory, and copies to shared memory that go on while threads compute.

// d += a b of bfloat16 [16, 16] and [16, 8] over a warp, in float32. With group = lane / 4 and quarter = lane % 4, a lane
// holds: of a, rows group and group + 8, columns 2 quarter (+1) and those + 8 (a[0]: upper left, a[1]: lower left,
// a[2]: upper right, a[3]: lower right); of b, column group, rows 2 quarter (+1) (b[0]) and those + 8 (b[1]); of d, row
// group, columns 2 quarter (+1) (d[0], d[1]), and the same of row group + 8 (d[2], d[3]).
__device__ __forceinline__ void mma_16x8x16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef SIMT_EMULATOR
    simt::mma_16x8x16(d, a, b, __LINE__);
#else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// A place in shared memory to which bytes are added: half as wide as a pointer, and known to be in shared memory.
#ifdef SIMT_EMULATOR
using SharedAddress = const char*;

__device__ __forceinline__ SharedAddress shared_address(const void* shared) { return static_cast<const char*>(shared); }
#else
using SharedAddress = unsigned;

__device__ __forceinline__ SharedAddress shared_address(const void* shared) {
    return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}
#endif

// Four 8x8 matrices of 16-bit numbers from shared memory: lanes 8 i to 8 i + 7 name the rows (16 bytes each, at multiples of
// 16) of matrix i, of which a lane gets row lane / 4, columns 2 (lane % 4) and the next, as r[i].
__device__ __forceinline__ void load_matrices(unsigned (&r)[4], SharedAddress row) {
#ifdef SIMT_EMULATOR
    simt::load_matrices(r, row, false, __LINE__);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(row)
                 : "memory");
#endif
}

// The same of each matrix's transpose: a lane gets column lane / 4, rows 2 (lane % 4) and the next.
__device__ __forceinline__ void load_matrices_transposed(unsigned (&r)[4], SharedAddress row) {
#ifdef SIMT_EMULATOR
    simt::load_matrices(r, row, true, __LINE__);
#else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(row)
                 : "memory");
#endif
}

// Begins to copy 16 bytes to shared memory.
__device__ __forceinline__ void copy_async16(void* shared, const void* global) {
#ifdef SIMT_EMULATOR
    simt::copy_async(shared, global, 16, 16);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                 :
                 : "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global))
                 : "memory");
#endif
}

// Begins to copy 16 bytes to shared memory, of which those from `bytes` on become 0 (bytes is 16 or 0).
__device__ __forceinline__ void copy_async16(void* shared, const void* global, int bytes) {
#ifdef SIMT_EMULATOR
    simt::copy_async(shared, global, 16, bytes);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global)), "r"(bytes)
                 : "memory");
#endif
}

// The same of 4 or 8 bytes.
template <int SIZE>
__device__ __forceinline__ void copy_async_small(void* shared, const void* global, int bytes) {
    static_assert(SIZE == 4 || SIZE == 8, "a copy of 4 or 8 bytes");
#ifdef SIMT_EMULATOR
    simt::copy_async(shared, global, SIZE, bytes);
#else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
                 :
                 : "r"(shared_address(shared)), "l"(__cvta_generic_to_global(global)), "n"(SIZE), "r"(bytes)
                 : "memory");
#endif
}

__device__ __forceinline__ void copy_async4(void* shared, const void* global, int bytes) {
    copy_async_small<4>(shared, global, bytes);
}

__device__ __forceinline__ void copy_async8(void* shared, const void* global, int bytes) {
    copy_async_small<8>(shared, global, bytes);
}

// Ends a group of copies of this thread.
__device__ __forceinline__ void copy_async_commit() {
#ifdef SIMT_EMULATOR
    simt::copy_async_commit();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most `pending` of this thread's latest groups are under way. Others' need a barrier besides.
template <int pending>
__device__ __forceinline__ void copy_async_wait() {
#ifdef SIMT_EMULATOR
    simt::copy_async_wait(pending);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#endif
}
