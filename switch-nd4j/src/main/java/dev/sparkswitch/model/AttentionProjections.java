package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;

/** The four projections of self-attention: one set for all tokens, or a set an expert. */
interface AttentionProjections {
    /**
     * Begins with the projections of one pass.
     *
     * @param x the normalised stream [T, d_model]; stays the caller's, until the pass is over
     */
    Projected begin(StackPass pass, Tensor x);

    /** Begins once more with a pass that was begun with the same x; owns what was left of it. */
    Projected again(StackPass pass, Tensor x, Saved left);

    /** See {@link Sublayer#exchangesTokens}. */
    default boolean exchangesTokens() {
        return false;
    }

    /** The projections of one pass, in the order of a forward and a backward pass; each is called at most once. */
    interface Projected extends Saved {
        /** Gives back what {@link AttentionProjections#again} can make anew, and returns what it cannot. */
        Saved forgo();

        /** Queries, keys and values side by side [T, 3 * width]. */
        Tensor queryKeyValue();

        /**
         * What attention adds to the stream [T, d_model].
         *
         * @param result the attention's [T, width]; stays the caller's
         */
        Tensor output(Tensor result);

        /** The gradient of the attention's result; adds that of the weights. */
        Tensor outputBackward(Tensor result, Tensor dDelta);

        /** The gradient of x from that of queries, keys and values; adds that of the weights. */
        Tensor queryKeyValueBackward(Tensor dQkv);
    }
}
