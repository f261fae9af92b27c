package dev.sparkswitch.model;

import java.util.Optional;

/** Where the projections of self-attention in a sparse block come from. */
public enum AttentionForm {
    /** One set for all tokens, as in T5. */
    DENSE("dense"),
    /** A set an expert: a Switch layer in attention (Switch Transformer, appendix A, table 10). */
    SWITCH("switch");

    private final String key;

    AttentionForm(String key) {
        this.key = key;
    }

    /** The form's name in a configuration. */
    public String key() {
        return key;
    }

    /** The form of that name, or empty where there is none. */
    public static Optional<AttentionForm> find(String key) {
        for (AttentionForm form : values()) {
            if (form.key.equals(key)) {
                return Optional.of(form);
            }
        }
        return Optional.empty();
    }
}
