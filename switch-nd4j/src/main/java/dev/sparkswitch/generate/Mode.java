package dev.sparkswitch.generate;

/** How the next token is taken. */
public enum Mode {
    /** The most probable token, ties to the lower id. */
    GREEDY,
    /** The most probable sequence, as far as a beam search finds it. */
    BEAM,
    /** A token drawn by its probability. */
    SAMPLE
}
