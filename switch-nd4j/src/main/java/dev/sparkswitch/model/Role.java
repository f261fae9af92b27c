package dev.sparkswitch.model;

/** How a parameter is treated in training: who holds it, over whom its gradient is summed, in what precision it works. */
public enum Role {
    /** Held by every rank. */
    DENSE,
    /** Held by the ranks that own the expert. */
    EXPERT,
    /** Held by every rank; weights, gradients and product in float32 or better whatever the precision. */
    ROUTER
}
