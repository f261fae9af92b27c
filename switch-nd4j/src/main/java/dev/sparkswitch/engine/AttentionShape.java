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

    /** heads * headSize: the width of queries, keys, values and the result. */
    public int width() {
        return heads * headSize;
    }

    void require(String operation, Tensor q, Tensor k, Tensor v, Tensor bias) {
        long keys = (long) rows * keyLength;
        require(q.rows() == (long) rows * queryLength, operation, q, k);
        require(k.rows() == keys && v.rows() == keys, operation, k, v);
        require(q.extent(-1) == width() && k.extent(-1) == width(), operation, q, k);
        require(v.extent(-1) == width(), operation, q, v);
        require(bias == null || takesBias(bias), operation, q, bias);
    }

    private boolean takesBias(Tensor bias) {
        return bias.axes() == 2 && bias.extent(0) == heads && bias.extent(1) == queryLength + keyLength - 1;
    }

    void require(boolean condition, String operation, Tensor a, Tensor b) {
        if (!condition) {
            throw new IllegalArgumentException(operation + " does not take " + a + " with " + b);
        }
    }
}
