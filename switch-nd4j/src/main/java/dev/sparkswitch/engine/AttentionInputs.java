package dev.sparkswitch.engine;

/**
 * What attention reads, forward and backward.
 *
 * @param q queries [rows * queries, heads * headSize]; a view of columns is welcome
 * @param k keys [rows * keys, heads * headSize], likewise
 * @param v values [rows * keys, heads * headSize], likewise
 * @param bias what is added to the scores, by distance: [heads, queries + keys - 1], master type, laid out as in {@link
 *     RelativePositions}; null for none
 * @param querySegments int32 [rows, queries]
 * @param keySegments int32 [rows, keys]
 */
public record AttentionInputs(Tensor q, Tensor k, Tensor v, Tensor bias, Tensor querySegments, Tensor keySegments) {
    /**
     * Refuses operands that do not fit the shape.
     *
     * @param operation what the message names
     * @throws IllegalArgumentException where an operand does not fit; it names two shapes that do not go together
     */
    public void requireShape(String operation, AttentionShape shape) {
        shape.require(operation, q, k, v, bias);
        shape.require(querySegments.size() == (long) shape.rows() * shape.queryLength(), operation, q, querySegments);
        shape.require(keySegments.size() == (long) shape.rows() * shape.keyLength(), operation, k, keySegments);
    }
}
