package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;

/**
 * {@code count} matrix products c = alpha a b + beta c, summed in float32: a is [m, k], b is [k, n] and c is [m, n] once a
 * and b are turned as they say. Types: all float32; or a and b bfloat16 and c bfloat16 or float32.
 *
 * @param beta 0 (then c is not read) or 1
 * @param count how many, each a batch stride of every operand further on
 */
record Product(int m, int n, int k, double alpha, Operand a, Operand b, double beta, Operand c, int count) {
    /** How a matrix lies in memory. */
    enum Turn {
        /** As it is named, row-major. */
        NONE,
        /** As its transpose, row-major. */
        TRANSPOSED
    }

    /**
     * A matrix in memory.
     *
     * @param address of the first element
     * @param type of the elements
     * @param rowStride elements from one row in memory to the next
     * @param batchStride elements from one matrix to the next of the batch
     * @param turn whether memory holds the transpose
     */
    record Operand(long address, DType type, int rowStride, long batchStride, Turn turn) {}

    @Override
    public String toString() {
        return (count == 1 ? "" : count + " x ") + "[" + m + ", " + k + "] [" + k + ", " + n + "] of " + a.type()
                + " to " + c.type();
    }
}
