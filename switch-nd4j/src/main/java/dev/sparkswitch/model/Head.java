package dev.sparkswitch.model;

/** Where the output projection's weights come from, and whether the hidden states are scaled before it. */
public enum Head {
    /** The embedding's weights; hidden states times {@code d_model^-0.5}: T5 v1.0, Switch. */
    TIED_SCALED(true, true),
    /** The embedding's weights, hidden states as they are. */
    TIED_UNSCALED(true, false),
    /** Weights of its own, hidden states as they are: T5 v1.1. */
    UNTIED(false, false),
    /** Weights of its own; hidden states times {@code d_model^-0.5}. */
    UNTIED_SCALED(false, true);

    private final boolean tied;
    private final boolean scaled;

    Head(boolean tied, boolean scaled) {
        this.tied = tied;
        this.scaled = scaled;
    }

    /** Whether the projection uses the embedding's weights. */
    public boolean tied() {
        return tied;
    }

    /** Whether hidden states are multiplied by {@code d_model^-0.5} first. */
    public boolean scaled() {
        return scaled;
    }

    static Head of(boolean tied, boolean scaled) {
        if (tied) {
            return scaled ? TIED_SCALED : TIED_UNSCALED;
        }
        return scaled ? UNTIED_SCALED : UNTIED;
    }
}
