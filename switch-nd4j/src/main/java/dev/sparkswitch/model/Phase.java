package dev.sparkswitch.model;

/** What a forward pass is for: it decides on dropout, jitter and the capacity factor. */
public enum Phase {
    TRAIN,
    /** Validation loss: no randomness, the evaluation's capacity. */
    EVALUATE,
    /** Generation and scoring: no randomness, no drops in group mode, so that an answer never depends on its neighbours. */
    GENERATE
}
