package dev.sparkswitch.model;

import java.util.List;
import java.util.Optional;

/**
 * One parameter of a model: what a checkpoint calls it and what it is.
 *
 * @param name Hugging Face's name
 * @param shape the lengths of its axes; a projection is [out, in]
 * @param kind what it does, which decides how it begins
 * @param role how it is treated in training
 * @param stack the stack that it belongs to, or empty for embedding and head
 * @param layer the block within the stack, or -1 outside the blocks
 * @param expert the expert within the layer, or -1 where it is none's
 */
public record ParameterSpec(
        String name, List<Integer> shape, Kind kind, Role role, Optional<Stack> stack, int layer, int expert) {
    /** What a parameter does. */
    public enum Kind {
        /** Token embedding [V, d_model]. */
        EMBEDDING,
        /** An output projection with weights of its own [V, d_model]. */
        HEAD,
        /** Relative position bias [buckets, heads]. */
        RELATIVE_BIAS,
        /** The scale of an RMS norm [d_model]. */
        NORM,
        /** A matrix [out, in] that its input is multiplied with. */
        PROJECTION
    }

    public ParameterSpec {
        shape = List.copyOf(shape);
    }

    /** The number of values. */
    public long count() {
        long count = 1;
        for (int length : shape) {
            count *= length;
        }
        return count;
    }

    /** The inputs that each output sums over, by which initial weights are scaled: the last axis. */
    public int fanIn() {
        return shape.get(shape.size() - 1);
    }
}
