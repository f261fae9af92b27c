package dev.sparkswitch.model;

/** What a training pass keeps of its forward pass, and what its backward pass makes again. */
public enum Recomputation {
    /** Everything is kept. */
    NONE,
    /**
     * The residual stream before every branch is kept, and the choices of the routers; the inside of a branch is made again,
     * bit for bit, when its turn backwards comes (Chen et al. 2016, "Training deep nets with sublinear memory cost", a
     * segment a branch). Costs about a third more arithmetic, and the exchanges of a sparse layer's forward pass once more.
     */
    BRANCHES
}
