package dev.sparkswitch.engine;

/** What becomes of a token's choice that finds its expert full. */
public enum Overflow {
    /** It is dropped: the token passes through the residual connection alone. */
    DROP,
    /**
     * It tries the token's next best expert, and so on (Switch Transformer, appendix B, "no token left behind"). Rounds follow
     * the first placement: in each, every choice without a slot, in the order of placement, tries the best expert that its
     * token has neither chosen nor tried. What all experts refuse is dropped.
     */
    REROUTE
}
