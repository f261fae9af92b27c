package dev.sparkswitch.model;

/** What a forward pass is for: it decides on dropout, jitter and the capacity factor. */
public enum Phase {
    TRAIN,
    EVALUATE
}
