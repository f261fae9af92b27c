package dev.sparkswitch.engine;

/**
 * The geometry of one attention product.
 *
 * @param rows sequences in the batch
 * @param heads attention heads
 * @param headSize elements of a head (d_kv)
 * @param queryLength query positions a row
 * @param keyLength key positions a row
 * @param order which keys a query may see beside the segments' rule
 */
public record AttentionShape(int rows, int heads, int headSize, int queryLength, int keyLength, Order order) {
    /** Which keys a query position may attend to. */
    public enum Order {
        /** All. */
        FULL,
        /** Those at or before its own position. */
        CAUSAL
    }

    /** Whether {@code bias} is [heads, queryLength + keyLength - 1]. */
    public boolean takesBias(Tensor bias) {
        return bias.axes() == 2 && bias.extent(0) == heads && bias.extent(1) == queryLength + keyLength - 1;
    }

    /** heads * headSize: the width of queries, keys, values and the result. */
    public int width() {
        return heads * headSize;
    }
}
