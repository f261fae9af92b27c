package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;

/**
 * A tensor in a card's memory. A split tensor is float32 as seen from outside and held as two arrays of 16 bits an element:
 * the bfloat16 value nearest to it, which products read as it is, and the signed rest; float32 bits = (high &lt;&lt; 16) + low.
 */
final class CudaTensor extends Tensor {
    private final DeviceMemory memory;
    private final DeviceMemory.Block block;
    private final long offset;
    private final int rowStride;
    /** Bytes from the first array to the second; 0 for a tensor that is not split. */
    private final long split;

    private final boolean owner;
    private boolean closed;

    private CudaTensor(
            DeviceMemory memory,
            DeviceMemory.Block block,
            long offset,
            int rowStride,
            long split,
            boolean owner,
            DType type,
            int... shape) {
        super(type, shape);
        this.memory = memory;
        this.block = block;
        this.offset = offset;
        this.rowStride = rowStride;
        this.split = split;
        this.owner = owner;
    }

    /** A new tensor with undefined contents. */
    static CudaTensor plain(DeviceMemory memory, DType type, int... shape) {
        DeviceMemory.Block block = memory.take(elements(shape) * type.bytes(), type, shape);
        return new CudaTensor(memory, block, 0, width(shape), 0, true, type, shape);
    }

    /** A new split tensor with undefined contents. */
    static CudaTensor split(DeviceMemory memory, int... shape) {
        long half = DeviceMemory.aligned(elements(shape) * DType.BFLOAT16.bytes());
        DeviceMemory.Block block = memory.take(2 * half, DType.FLOAT32, shape);
        return new CudaTensor(memory, block, 0, width(shape), half, true, DType.FLOAT32, shape);
    }

    private static long elements(int... shape) {
        long size = 1;
        for (int extent : shape) {
            size *= extent;
        }
        return size;
    }

    private static int width(int... shape) {
        return shape.length == 0 ? 1 : shape[shape.length - 1];
    }

    /** Whether the values are held in two halves. */
    boolean isSplit() {
        return split != 0;
    }

    /** The bytes of an element in the array that {@link #address} begins. */
    private int elementBytes() {
        return isSplit() ? DType.BFLOAT16.bytes() : type().bytes();
    }

    /** The address of the first element; of a split tensor, of its first high half. */
    long address() {
        if (closed) {
            throw new IllegalStateException("use of a closed tensor " + this);
        }
        return block.address() + offset * elementBytes();
    }

    /** The address of the first low half; 0 for a tensor that is not split. Kernels take it after {@link #address}. */
    long low() {
        return isSplit() ? address() + split : 0;
    }

    @Override
    public int rowStride() {
        return rowStride;
    }

    @Override
    public CudaTensor reshape(int... shape) {
        requireContiguous("reshape");
        if (elements(shape) != size()) {
            throw new IllegalArgumentException("cannot reshape " + this + " to " + Arrays.toString(shape));
        }
        return view(offset, width(shape), shape);
    }

    @Override
    public CudaTensor slice(int from, int to) {
        int[] shape = shape();
        long entry = 1;
        for (int axis = 1; axis < shape.length; axis++) {
            entry *= axis == shape.length - 1 ? rowStride : shape[axis];
        }
        shape[0] = to - from;
        return view(offset + from * entry, axes() == 1 ? to - from : rowStride, shape);
    }

    @Override
    public CudaTensor columns(int from, int to) {
        int[] shape = shape();
        shape[shape.length - 1] = to - from;
        return view(offset + from, rowStride, shape);
    }

    private CudaTensor view(long offset, int rowStride, int... shape) {
        return new CudaTensor(memory, block, offset, rowStride, split, false, type(), shape);
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
