package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;

/** Memory of one operation, cut into pieces of 32-bit numbers. */
final class Scratch implements AutoCloseable {
    private final CudaTensor memory;
    private final long[] offsets;

    /** As many pieces as there are sizes. */
    Scratch(CudaContext context, long... sizes) {
        offsets = new long[sizes.length];
        long bytes = 0;
        for (int i = 0; i < sizes.length; i++) {
            offsets[i] = bytes;
            bytes += DeviceMemory.aligned(sizes[i] * DType.INT32.bytes());
        }
        memory = context.allocate(DType.INT32, Math.toIntExact(bytes / DType.INT32.bytes()));
    }

    /** The address of a piece. */
    long at(int piece) {
        return memory.address() + offsets[piece];
    }

    @Override
    public void close() {
        memory.close();
    }
}
