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
public record AttentionInputs(Tensor q, Tensor k, Tensor v, Tensor bias, Tensor querySegments, Tensor keySegments) {}
