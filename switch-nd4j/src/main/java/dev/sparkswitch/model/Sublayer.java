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

    /**
     * Adds the gradients of the branch's weights and returns that of x.
     *
     * @param dDelta the gradient of what the branch added; stays the caller's
     */
    Tensor backward(StackPass pass, Saved saved, Tensor dDelta);
}
