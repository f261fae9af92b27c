package dev.sparkswitch.engine;

import java.util.Arrays;

/**
 * A handle on a dense array in an engine's memory, row-major. It is either an owner, whose {@link #close} gives its memory
 * back to the engine, or a view of an owner, whose close does nothing and which must not outlive it.
 */
public abstract class Tensor implements AutoCloseable {
    private final DType type;
    private final int[] shape;

    protected Tensor(DType type, int... shape) {
        this.type = type;
        this.shape = shape.clone();
        for (int extent : shape) {
            if (extent < 0) {
                throw new IllegalArgumentException("negative extent in " + Arrays.toString(shape));
            }
        }
    }

    /** The type of an element. */
    public final DType type() {
        return type;
    }

    /** The number of axes. */
    public final int axes() {
        return shape.length;
    }

    /** The extent of {@code axis}; a negative axis counts from the last. */
    public final int extent(int axis) {
        return shape[axis < 0 ? shape.length + axis : axis];
    }

    /** All extents. */
    public final int[] shape() {
        return shape.clone();
    }

    /** The number of elements. */
    public final long size() {
        long size = 1;
        for (int extent : shape) {
            size *= extent;
        }
        return size;
    }

    /** The number of rows when all axes but the last are taken as one. */
    public final int rows() {
        int rows = 1;
        for (int axis = 0; axis < shape.length - 1; axis++) {
            rows *= shape[axis];
        }
        return rows;
    }

    /** Elements from one row to the next; more than the last extent only in a view of columns. */
    public abstract int rowStride();

    /** The same elements under another shape: a view. Not for views of columns. */
    public abstract Tensor reshape(int... shape);

    /** Entries {@code from} (inclusive) to {@code to} (exclusive) of the first axis: a view. */
    public abstract Tensor slice(int from, int to);

    /** Columns {@code from} (inclusive) to {@code to} (exclusive) of the last axis: a view that products and attention take. */
    public abstract Tensor columns(int from, int to);

    @Override
    public abstract void close();

    @Override
    public String toString() {
        return type + Arrays.toString(shape);
    }
}
