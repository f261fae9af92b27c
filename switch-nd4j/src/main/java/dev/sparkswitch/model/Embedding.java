package dev.sparkswitch.model;

import java.util.Optional;

/** Whose token embedding a stack reads. */
public enum Embedding {
    /** One for both stacks: T5 and Switch as published. */
    SHARED("shared"),
    /** One for each stack: what transformers 5 makes of a configuration that ties nothing. */
    PER_STACK("per-stack");

    private final String key;

    Embedding(String key) {
        this.key = key;
    }

    /** The name in a configuration. */
    public String key() {
        return key;
    }

    /** The one of that name, or empty where there is none. */
    public static Optional<Embedding> find(String key) {
        for (Embedding embedding : values()) {
            if (embedding.key.equals(key)) {
                return Optional.of(embedding);
            }
        }
        return Optional.empty();
    }
}
