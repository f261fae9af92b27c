package dev.sparkswitch.checkpoint;

import java.util.List;

/**
 * What a file says of a tensor.
 *
 * @param name its name
 * @param type the type of its elements
 * @param shape the lengths of its axes, row-major; empty for a single value
 */
public record TensorInfo(String name, SafetensorsType type, List<Integer> shape) {
    /** @throws IllegalArgumentException on a negative axis, or more than 2^63 bytes */
    public TensorInfo {
        shape = List.copyOf(shape);
        long bytes = type.bytes();
        for (int length : shape) {
            if (length < 0) {
                throw new IllegalArgumentException("Tensor " + name + " has an axis of " + length);
            }
            try {
                bytes = Math.multiplyExact(bytes, length);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("Tensor " + name + " of shape " + shape + " is too large", e);
            }
        }
    }

    /** The number of elements. */
    public long count() {
        long count = 1;
        for (int length : shape) {
            count *= length;
        }
        return count;
    }

    /** The size in bytes. */
    public long bytes() {
        return count() * type.bytes();
    }

    /** The same tensor in another type. */
    public TensorInfo as(SafetensorsType other) {
        return new TensorInfo(name, other, shape);
    }
}
