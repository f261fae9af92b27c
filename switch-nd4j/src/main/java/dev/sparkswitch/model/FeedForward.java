package dev.sparkswitch.model;

/** The form of a feed-forward layer, of the dense ones and of every expert. */
public enum FeedForward {
    /** {@code wo(relu(wi(x)))}: T5 v1.0 and the released Switch-Base. */
    RELU,
    /** {@code wo(gelu(wi_0(x)) * wi_1(x))}, with GELU in its tanh approximation: T5 v1.1. */
    GATED_GELU
}
