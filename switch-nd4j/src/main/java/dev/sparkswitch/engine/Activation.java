package dev.sparkswitch.engine;

/** The non-linearity of a feed-forward layer. */
public enum Activation {
    /** max(0, x): [rows, f] to [rows, f]. */
    RELU(1),
    /** gelu(a) * b with the tanh approximation, a and b the two halves of the input: [rows, 2 f] to [rows, f]. */
    GATED_GELU(2);

    private final int branches;

    Activation(int branches) {
        this.branches = branches;
    }

    /** How many times wider the input is than the output. */
    public int branches() {
        return branches;
    }
}
