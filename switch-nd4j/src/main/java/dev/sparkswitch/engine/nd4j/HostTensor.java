package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.HostAddressable;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** A tensor in host memory. */
public final class HostTensor extends Tensor implements HostAddressable {
    private final HostMemory memory;
    private final HostMemory.Block block;
    private final long offset;
    private final int rowStride;
    private final boolean owner;
    private final ByteBuffer bytes;
    private boolean closed;

    static HostTensor owner(HostMemory memory, DType type, int... shape) {
        long size = 1;
        for (int extent : shape) {
            size *= extent;
        }
        HostMemory.Block block = memory.take(type, size);
        return new HostTensor(memory, block, 0, shape[shape.length - 1], true, type, shape);
    }

    private HostTensor(
            HostMemory memory,
            HostMemory.Block block,
            long offset,
            int rowStride,
            boolean owner,
            DType type,
            int... shape) {
        super(type, shape);
        this.memory = memory;
        this.block = block;
        this.offset = offset;
        this.rowStride = rowStride;
        this.owner = owner;
        long extent = size() == 0 ? 0 : (rows() - 1L) * rowStride + extent(-1);
        this.bytes = block.bytes()
                .slice((int) (offset * type.bytes()), (int) (extent * type.bytes()))
                .order(ByteOrder.nativeOrder());
    }

    /** The tensor's memory from its first element, in native byte order; a view of columns has gaps between its rows. */
    @Override
    public ByteBuffer bytes() {
        return bytes.duplicate().order(ByteOrder.nativeOrder());
    }

    FloatBuffer floats() {
        return bytes.asFloatBuffer();
    }

    DoubleBuffer doubles() {
        return bytes.asDoubleBuffer();
    }

    IntBuffer ints() {
        return bytes.asIntBuffer();
    }

    /** The address of the first element. */
    Pointer pointer() {
        return new BytePointer(block.address()).position(offset * type().bytes());
    }

    /** The address of the first element of a float32 tensor. */
    FloatPointer floatPointer() {
        return new FloatPointer(block.address()).position(offset);
    }

    /** The address of the first element of a float64 tensor. */
    DoublePointer doublePointer() {
        return new DoublePointer(block.address()).position(offset);
    }

    @Override
    public int rowStride() {
        return rowStride;
    }

    @Override
    public HostTensor reshape(int... shape) {
        requireContiguous("reshape");
        HostTensor view = new HostTensor(memory, block, offset, shape[shape.length - 1], false, type(), shape);
        if (view.size() != size()) {
            throw new IllegalArgumentException("cannot reshape " + this + " to " + Arrays.toString(shape));
        }
        return view;
    }

    @Override
    public HostTensor slice(int from, int to) {
        int[] shape = shape();
        long entry = shape[0] == 0 ? 0 : (axes() == 1 ? 1 : (long) rows() / shape[0] * rowStride);
        shape[0] = to - from;
        return new HostTensor(
                memory, block, offset + from * entry, axes() == 1 ? to - from : rowStride, false, type(), shape);
    }

    @Override
    public HostTensor columns(int from, int to) {
        int[] shape = shape();
        shape[shape.length - 1] = to - from;
        return new HostTensor(memory, block, offset + from, rowStride, false, type(), shape);
    }

    boolean contiguous() {
        return rowStride == extent(-1) || rows() <= 1;
    }

    void requireContiguous(String operation) {
        if (!contiguous()) {
            throw new IllegalArgumentException(operation + " takes no view of columns: " + this);
        }
    }

    @Override
    public void close() {
        if (owner && !closed) {
            closed = true;
            memory.release(block);
        }
    }
}
