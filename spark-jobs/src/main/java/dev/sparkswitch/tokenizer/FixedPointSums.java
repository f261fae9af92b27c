package dev.sparkswitch.tokenizer;

import java.io.Serializable;

/**
 * Sums of real numbers in fixed point with 20 fractional bits. Integer addition is associative, so the sums do not
 * depend on the order of the addends and hence not on the partitions that made them.
 */
final class FixedPointSums implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final double ONE = 1 << 20;

    private final long[] sums;

    FixedPointSums(int size) {
        sums = new long[size];
    }

    void add(int index, double value) {
        sums[index] = Math.addExact(sums[index], Math.round(value * ONE));
    }

    FixedPointSums merge(FixedPointSums other) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] = Math.addExact(sums[i], other.sums[i]);
        }
        return this;
    }

    double sum(int index) {
        return sums[index] / ONE;
    }
}
