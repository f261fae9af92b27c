package dev.sparkswitch.bench;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * Tensors of random numbers, made fast: one block of them is drawn once and repeated, for billions of weights are to be
 * filled before a measurement of seconds.
 */
final class RandomTensors {
    /** A prime, so that rows of the usual widths do not repeat each other. */
    private static final int BLOCK = 1_048_573;

    private static final float[] NUMBERS = new float[BLOCK];

    static {
        Random random = new Random(1);
        for (int i = 0; i < BLOCK; i++) {
            NUMBERS[i] = 2 * random.nextFloat() - 1;
        }
    }

    private RandomTensors() {}

    /** A new tensor of uniform numbers of standard deviation {@code sigma}. */
    static Tensor uniform(Engine engine, DType type, double sigma, int... shape) {
        Tensor tensor = engine.allocate(type, shape);
        fill(engine, tensor, sigma);
        return tensor;
    }

    /** A new parameter of uniform numbers of standard deviation {@code sigma}. */
    static Tensor parameter(Engine engine, double sigma, int... shape) {
        Tensor tensor = engine.allocateParameter(shape);
        fill(engine, tensor, sigma);
        return tensor;
    }

    /** Fills a contiguous tensor with uniform numbers of standard deviation {@code sigma}. */
    static void fill(Engine engine, Tensor tensor, double sigma) {
        Tensor flat = tensor.axes() == 1 ? tensor : tensor.reshape(Math.toIntExact(tensor.size()));
        int size = flat.extent(0);
        ByteBuffer bytes = ByteBuffer.allocateDirect(
                        Math.min(size, BLOCK) * tensor.type().bytes())
                .order(ByteOrder.nativeOrder());
        put(bytes, tensor.type(), Math.min(size, BLOCK), (float) (sigma * Math.sqrt(3)));
        for (int from = 0; from < size; from += BLOCK) {
            int to = Math.min(size, from + BLOCK);
            bytes.position(0).limit((to - from) * tensor.type().bytes());
            engine.upload(flat.slice(from, to), bytes);
        }
    }

    private static void put(ByteBuffer bytes, DType type, int count, float bound) {
        for (int i = 0; i < count; i++) {
            float value = bound * NUMBERS[i];
            switch (type) {
                case FLOAT64 -> bytes.putDouble(i * Double.BYTES, value);
                case FLOAT32 -> bytes.putFloat(i * Float.BYTES, value);
                case BFLOAT16 -> bytes.putShort(i * Short.BYTES, (short) (Float.floatToRawIntBits(value) >>> 16));
                case INT32, INT64 -> throw new IllegalArgumentException("random numbers of type " + type);
            }
        }
    }
}
