package dev.sparkswitch.bench;

/** The parts of a training step that a report tells apart. */
public enum Phase {
    /** Attention itself and its position bias; the products around it are {@link #PRODUCTS}. */
    ATTENTION("attention"),
    /** Matrix products of dense weights. */
    PRODUCTS("dense products"),
    /** Grouped products of the experts. */
    EXPERTS("experts"),
    /** Routers, dispatch and combine. */
    ROUTING("routing"),
    /** Norms, residual sums, activations and their dropout. */
    NORMS("norms and activations"),
    /** The output head and cross-entropy. */
    LOSS("loss"),
    /** Embeddings. */
    EMBEDDING("embedding"),
    /** Waiting for what moves tokens and gradients between ranks. */
    COMMUNICATION("exposed communication"),
    /** The gradients' norm and the update. */
    OPTIMIZER("optimizer"),
    /** Fills, copies and transfers to and from the host. */
    TRANSFERS("fills and transfers");

    private final String title;

    Phase(String title) {
        this.title = title;
    }

    /** The phase in words. */
    public String title() {
        return title;
    }
}
