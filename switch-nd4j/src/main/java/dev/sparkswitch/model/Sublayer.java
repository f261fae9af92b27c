package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;

/**
 * One branch of the residual stream: attention or feed-forward. The stack around it normalises its input and adds its
 * output; see {@link LayerStack}.
 */
interface Sublayer {
    /** What the branch adds to the stream [T, d_model], and what its backward pass needs. */
    record Forward(Tensor delta, Saved saved) {}

    /** Runs the branch on the normalised stream x [T, d_model], which it owns from here on. */
    Forward forward(StackPass pass, Tensor x);

    /** Whether the branch sends tokens to other ranks, first thing in its backward pass. */
    default boolean exchangesTokens() {
        return false;
    }

    /** Gives back what {@link #rerun} can make again, and returns what it cannot: the choice of a router. */
    default Saved forgo(Saved saved) {
        saved.close();
        return () -> {};
    }

    /**
     * Makes what {@link #forward} left for the backward pass again, bit for bit.
     *
     * @param x as it was given to the forward pass; the branch owns it from here on
     * @param left by {@link #forgo}; closed with the result
     */
    default Saved rerun(StackPass pass, Tensor x, Saved left) {
        left.close();
        Forward again = forward(pass, x);
        again.delta().close();
        return again.saved();
    }

    /**
     * Adds the gradients of the branch's weights and returns that of x.
     *
     * @param dDelta the gradient of what the branch added; stays the caller's
     */
    Tensor backward(StackPass pass, Saved saved, Tensor dDelta);
}
