package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SortedMap;

/**
 * Tensors by name, read from disk one at a time: nothing is kept, and memory is bounded by what the caller asks for.
 * Safe for use by several threads at once.
 */
public interface TensorStore extends AutoCloseable {
    /** Every tensor by name. */
    SortedMap<String, TensorInfo> tensors();

    /**
     * Fills {@code into}, from position to limit, with bytes of a tensor as they are stored.
     *
     * @param offset the first byte within the tensor, a whole number of elements
     * @throws UserException where there is no such tensor, or its file is cut
     */
    void read(String name, long offset, ByteBuffer into);

    @Override
    void close();

    /**
     * What is known of a tensor.
     *
     * @throws UserException where there is no such tensor
     */
    default TensorInfo info(String name) {
        TensorInfo info = tensors().get(name);
        if (info == null) {
            throw new UserException(
                    "There is no tensor " + name + " among the " + tensors().size() + " of " + this + ".");
        }
        return info;
    }

    /**
     * Fills {@code into}, from position to limit, with a whole tensor converted to {@code type}. A caller that reads
     * many tensors reuses one buffer: direct ones are returned to the system only by garbage collection.
     *
     * @throws UserException where there is no such tensor, or its values do not fit the type
     */
    default void read(String name, DType type, ByteBuffer into) {
        TensorInfo info = info(name);
        SafetensorsType target = SafetensorsType.of(type);
        if (into.remaining() != info.as(target).bytes()) {
            throw new IllegalArgumentException("tensor " + name + " of shape " + info.shape() + " takes "
                    + info.as(target).bytes() + " bytes as " + type + ", not " + into.remaining());
        }
        ByteBuffer to = into.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (info.type() == target) {
            read(name, 0, to);
        } else {
            Chunks.forEach(
                    this,
                    info,
                    chunk -> Numbers.convert(
                            name,
                            chunk,
                            info.type(),
                            to,
                            target,
                            chunk.remaining() / info.type().bytes()));
        }
        into.position(into.limit());
    }

    /** A whole tensor, converted to {@code type}, in a direct buffer in native order. */
    default ByteBuffer read(String name, DType type) {
        ByteBuffer buffer = allocate(info(name).as(SafetensorsType.of(type)));
        read(name, type, buffer);
        return buffer.flip();
    }

    /** A whole tensor as it is stored, in a direct buffer in native order. */
    default ByteBuffer read(String name) {
        ByteBuffer buffer = allocate(info(name));
        read(name, 0, buffer);
        return buffer.flip();
    }

    /** A whole tensor as float32, row-major. */
    default float[] floats(String name) {
        float[] values = new float[Math.toIntExact(info(name).count())];
        read(name, DType.FLOAT32).asFloatBuffer().get(values);
        return values;
    }

    /** A whole tensor as float64, row-major. */
    default double[] doubles(String name) {
        double[] values = new double[Math.toIntExact(info(name).count())];
        read(name, DType.FLOAT64).asDoubleBuffer().get(values);
        return values;
    }

    /** A whole tensor of integers that fit 32 bits, row-major. */
    default int[] integers(String name) {
        int[] values = new int[Math.toIntExact(info(name).count())];
        read(name, DType.INT32).asIntBuffer().get(values);
        return values;
    }

    private static ByteBuffer allocate(TensorInfo info) {
        if (info.bytes() > Integer.MAX_VALUE) {
            throw new ResourceException("Tensor " + info.name() + " takes " + info.bytes()
                    + " bytes, but one buffer holds at most " + Integer.MAX_VALUE + ": read it in parts.");
        }
        return ByteBuffer.allocateDirect((int) info.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    }
}
