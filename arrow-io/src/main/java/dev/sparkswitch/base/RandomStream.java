package dev.sparkswitch.base;

/**
 * What random numbers are drawn for. Every purpose has a stream of its own, so drawing more for one never shifts another.
 * The ids are part of what a seed means: they are never changed or used again.
 */
public enum RandomStream {
    DROPOUT(1),
    JITTER(2),
    ATTENTION_DROPOUT(3),
    EXPERT_DROPOUT(4),
    INIT(5),
    SPAN_CORRUPTION(6),
    SHUFFLE(7),
    SAMPLING(8),
    BOOTSTRAP(9),
    DEMO(10),
    ROUTER_SAMPLING(11),
    ROUTER_DROPOUT(12),
    HASH_ROUTING(13),
    UPCYCLING(21);

    private final int id;

    RandomStream(int id) {
        this.id = id;
    }

    /** The stream's coordinate in {@link Philox}. */
    public int id() {
        return id;
    }

    /**
     * The numbers of this stream at one place.
     *
     * @param seed the run's seed
     * @param step the training step, or any 32-bit coordinate
     * @param layer the layer, or any coordinate below 65,536
     */
    public Philox at(long seed, int step, int layer) {
        return new Philox(seed, id, step, layer);
    }
}
