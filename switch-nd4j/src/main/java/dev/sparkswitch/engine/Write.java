package dev.sparkswitch.engine;

/** How an operation writes its result to a tensor that it is given. */
public enum Write {
    /** Replaces what stands there. */
    SET,
    /** Adds to what stands there. */
    ADD
}
