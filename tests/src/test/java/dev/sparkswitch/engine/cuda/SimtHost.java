package dev.sparkswitch.engine.cuda;

import java.nio.ByteBuffer;

/** The emulated card's native side, {@code simt-host.cpp}. */
final class SimtHost {
    private SimtHost() {}

    static synchronized native long allocate(long bytes);

    static synchronized native void free(long address);

    /** The address of a direct buffer's first byte, whatever its position. */
    static native long address(ByteBuffer direct);

    static native void copy(long source, long target, long bytes);

    static native void zero(long target, long bytes);

    /** Loads a library whose path, ended by 0, lies at that address; 0 where it cannot be loaded. */
    static native long open(long path);

    /** The kinds of a kernel's parameters, one letter each; null for no such kernel. */
    static synchronized native String kinds(long module, String kernel);

    /** Runs a kernel; null, or what went wrong. */
    static synchronized native String launch(
            long module, String kernel, int x, int y, int z, int threads, int shared, long bytes, int[] offsets);

    /** {@code operands}: address, row stride, batch stride, whether bfloat16 and whether turned, for a, b and c. */
    static native void multiply(int m, int n, int k, double alpha, double beta, int count, long[] operands);
}
