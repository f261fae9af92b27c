package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;

/** A layer with a router of its own. */
interface SparseLayer extends AutoCloseable {
    /** The layer's name, that of its module in Hugging Face's model. */
    String name();

    /** Sums of {@link dev.sparkswitch.engine.RoutingStatistics} over the passes since they were last cleared. */
    Tensor statistics();

    /** Gives back what the layer holds beside its parameters. */
    @Override
    void close();
}
