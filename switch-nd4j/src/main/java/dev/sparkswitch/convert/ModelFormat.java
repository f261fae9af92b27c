package dev.sparkswitch.convert;

/** The layouts in which a model can be written. */
public enum ModelFormat {
    /** {@code config.json} and safetensors as transformers loads them. */
    HUGGING_FACE,
    /** A checkpoint of ours, weights alone. */
    CHECKPOINT
}
