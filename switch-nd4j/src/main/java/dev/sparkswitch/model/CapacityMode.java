package dev.sparkswitch.model;

import java.util.Optional;

/** Over which tokens an expert's capacity is counted. */
public enum CapacityMode {
    /** Over groups of consecutive rows, in proportion to the group's size: Mesh TensorFlow, T5X. */
    GROUP("group"),
    /** Over each sequence, an absolute number: Hugging Face. */
    PER_SEQUENCE("per-sequence");

    private final String key;

    CapacityMode(String key) {
        this.key = key;
    }

    /** The mode's name in a configuration. */
    public String key() {
        return key;
    }

    /** The mode of that name, or empty where there is none. */
    public static Optional<CapacityMode> find(String key) {
        for (CapacityMode mode : values()) {
            if (mode.key.equals(key)) {
                return Optional.of(mode);
            }
        }
        return Optional.empty();
    }
}
