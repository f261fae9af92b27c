package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/**
 * A block of parameters that products take as one, and its gradient. Several named parameters may be views of it: queries,
 * keys and values; all experts of a layer.
 */
final class Weight {
    private final String name;
    private final Tensor value;
    private final Tensor gradient;
    private boolean written;

    /** @param name that of its first parameter, and how many more there are */
    Weight(String name, Tensor value, Tensor gradient) {
        this.name = name;
        this.value = value;
        this.gradient = gradient;
    }

    String name() {
        return name;
    }

    Tensor value() {
        return value;
    }

    Tensor gradient() {
        return gradient;
    }

    /** How the next operation is to write the gradient: the first of a step replaces what the step before left. */
    Write nextWrite() {
        Write write = written ? Write.ADD : Write.SET;
        written = true;
        return write;
    }

    boolean written() {
        return written;
    }

    /** Starts a step: what the gradient holds counts no longer. */
    void reset() {
        written = false;
    }
}
