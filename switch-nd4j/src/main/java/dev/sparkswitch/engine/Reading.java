package dev.sparkswitch.engine;

import java.nio.ByteBuffer;
import java.util.function.Supplier;

/** Contents of a tensor on their way to the host. */
public final class Reading {
    private final DType type;
    private final int size;
    private final Supplier<ByteBuffer> contents;

    /**
     * A reading.
     *
     * @param tensor whose contents are read
     * @param contents waits for them; native byte order. Called once at most
     */
    public Reading(Tensor tensor, Supplier<ByteBuffer> contents) {
        this.type = tensor.type();
        this.size = Math.toIntExact(tensor.size());
        this.contents = contents;
    }

    /** Waits for the elements. To be called once. */
    public double[] values() {
        ByteBuffer bytes = contents.get();
        double[] values = new double[size];
        for (int i = 0; i < size; i++) {
            values[i] = switch (type) {
                case FLOAT64 -> bytes.getDouble(i * Double.BYTES);
                case FLOAT32 -> bytes.getFloat(i * Float.BYTES);
                case BFLOAT16 -> Float.intBitsToFloat(bytes.getShort(i * Short.BYTES) << Short.SIZE);
                case INT32 -> bytes.getInt(i * Integer.BYTES);
                case INT64 -> bytes.getLong(i * Long.BYTES);
            };
        }
        return values;
    }
}
