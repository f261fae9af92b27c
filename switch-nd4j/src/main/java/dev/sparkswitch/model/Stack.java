package dev.sparkswitch.model;

/** The two halves of the model. */
public enum Stack {
    ENCODER("encoder"),
    DECODER("decoder");

    private final String key;

    Stack(String key) {
        this.key = key;
    }

    /** The name by which parameters of this stack begin. */
    public String key() {
        return key;
    }
}
