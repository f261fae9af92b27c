package dev.sparkswitch.model;

/** A layer with a router of its own. */
interface SparseLayer extends AutoCloseable {
    /** The layer's name, that of its module in Hugging Face's model. */
    String name();

    /** Gives back what the layer holds beside its parameters. */
    @Override
    void close();
}
