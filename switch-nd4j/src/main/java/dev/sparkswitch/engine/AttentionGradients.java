package dev.sparkswitch.engine;

/**
 * Where attention's backward pass puts its results.
 *
 * @param dq that of {@link AttentionInputs#q}, written; a view of columns is welcome
 * @param dk that of the keys, likewise
 * @param dv that of the values, likewise
 * @param dBias that of the bias, added to: [heads, queries + keys - 1], master type; null where it is not wanted
 */
public record AttentionGradients(Tensor dq, Tensor dk, Tensor dv, Tensor dBias) {
    /** As {@link AttentionInputs#requireShape}. */
    public void requireShape(String operation, AttentionShape shape) {
        shape.require(operation, dq, dk, dv, dBias);
    }
}
