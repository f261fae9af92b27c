package dev.sparkswitch.engine;

/**
 * What the numbers of a router are held in, whatever an engine computes in. Products are summed and exponentials taken in the
 * engine's router type in both; bfloat16 is what results are rounded to.
 */
public enum RouterPrecision {
    /** The engine's router type: float32, the selective precision of Switch Transformer, section 2.4. */
    FLOAT32,
    /**
     * Input, weights, logits, probabilities and logsumexp are rounded to the nearest bfloat16, as where a whole model computes
     * in it (Switch Transformer, table 2). Gradients pass roundings as if there were none.
     */
    BF16
}
