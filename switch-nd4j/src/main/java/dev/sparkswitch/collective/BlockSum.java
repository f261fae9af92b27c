package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sums blocks of elements in the order in which they are added: ((x0 + x1) + x2) + ... Works on arrays that fit a
 * core's cache, because the compiler vectorizes plain loops over arrays; buffers are only copied from and to.
 */
final class BlockSum {
    /** The most bytes of a block. */
    static final int BLOCK_BYTES = 64 * 1024;

    private final float[] floats = new float[BLOCK_BYTES / Float.BYTES];
    private final float[] floatTerm = new float[BLOCK_BYTES / Float.BYTES];
    private final double[] doubles = new double[BLOCK_BYTES / Double.BYTES];
    private final double[] doubleTerm = new double[BLOCK_BYTES / Double.BYTES];
    private DType type = DType.FLOAT32;
    private boolean empty = true;

    /** Begins a sum of blocks of {@code elementType}, FLOAT32 or FLOAT64. */
    void start(DType elementType) {
        type = elementType;
        empty = true;
    }

    /** Adds the bytes between position and limit, which every block of a sum has as many of. */
    void add(ByteBuffer block) {
        ByteBuffer view = block.slice().order(ByteOrder.nativeOrder());
        if (type == DType.FLOAT32) {
            int count = view.remaining() / Float.BYTES;
            view.asFloatBuffer().get(empty ? floats : floatTerm, 0, count);
            if (!empty) {
                addFloats(floats, floatTerm, count);
            }
        } else {
            int count = view.remaining() / Double.BYTES;
            view.asDoubleBuffer().get(empty ? doubles : doubleTerm, 0, count);
            if (!empty) {
                addDoubles(doubles, doubleTerm, count);
            }
        }
        empty = false;
    }

    /** Writes the sum between the position and limit of {@code block}. */
    void store(ByteBuffer block) {
        ByteBuffer view = block.slice().order(ByteOrder.nativeOrder());
        if (type == DType.FLOAT32) {
            view.asFloatBuffer().put(floats, 0, view.remaining() / Float.BYTES);
        } else {
            view.asDoubleBuffer().put(doubles, 0, view.remaining() / Double.BYTES);
        }
    }

    private static void addFloats(float[] sum, float[] term, int count) {
        for (int i = 0; i < count; i++) {
            sum[i] += term[i];
        }
    }

    private static void addDoubles(double[] sum, double[] term, int count) {
        for (int i = 0; i < count; i++) {
            sum[i] += term[i];
        }
    }
}
