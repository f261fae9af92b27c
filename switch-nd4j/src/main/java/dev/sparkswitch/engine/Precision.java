package dev.sparkswitch.engine;

/** The arithmetic of an engine: what activations are held in and what products are taken in. */
public enum Precision {
    /** Everything in float64: proofs and references. */
    FLOAT64(DType.FLOAT64, DType.FLOAT64),
    /** Everything in float32. */
    FLOAT32(DType.FLOAT32, DType.FLOAT32),
    /** Products of weights in bfloat16, summed in float32; everything else in float32. */
    BF16_PRODUCTS(DType.FLOAT32, DType.FLOAT32),
    /** Activations and products in bfloat16, master weights and the router in float32. */
    BF16(DType.BFLOAT16, DType.FLOAT32);

    private final DType compute;
    private final DType router;

    Precision(DType compute, DType router) {
        this.compute = compute;
        this.router = router;
    }

    /** The type of activations. */
    public DType compute() {
        return compute;
    }

    /** The type of parameters, gradients, optimizer state, losses and the whole of the router. */
    public DType master() {
        return router;
    }
}
