package dev.sparkswitch.train;

/** The optimizers that a job can name. */
public enum OptimizerKind {
    /** {@link Adafactor}: second moments factored, as T5 and Switch were trained. */
    ADAFACTOR,
    /** {@link AdamW}: two moments an element. */
    ADAMW
}
