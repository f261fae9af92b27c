package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.nd4j.OpenBlas.Turn;

/** Products of matrices, each taken by the thread that asks for it. */
interface Multiplier extends AutoCloseable {
    /** c[m, n] = alpha a[m, k] b[k, n] + beta c, where a and b are factors, named as they are after turning. */
    void product(
            int m,
            int n,
            int k,
            double alpha,
            HostTensor a,
            Turn turnA,
            HostTensor b,
            Turn turnB,
            double beta,
            HostTensor c);

    /**
     * A tensor as a factor of products: itself, or a copy.
     *
     * @param values what {@link Factor#values} is of the same shape as
     * @param copy what is closed with the factor; null for none
     */
    record Factor(HostTensor values, HostTensor copy) implements AutoCloseable {
        @Override
        public void close() {
            if (copy != null) {
                copy.close();
            }
        }
    }

    /** The form in which products take {@code x}. */
    default Factor factor(HostTensor x) {
        return new Factor(x, null);
    }

    /** Whether threads may share a product, each with a tile of it: otherwise one takes it whole. */
    default boolean takesTiles() {
        return true;
    }

    @Override
    default void close() {}
}
