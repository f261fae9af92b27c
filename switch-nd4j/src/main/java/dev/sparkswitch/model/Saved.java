package dev.sparkswitch.model;

/** What a forward pass keeps for its backward pass, which closes it; closed at once where there is none. */
interface Saved extends AutoCloseable {
    @Override
    void close();
}
