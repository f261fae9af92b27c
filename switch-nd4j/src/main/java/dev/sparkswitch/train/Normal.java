package dev.sparkswitch.train;

import dev.sparkswitch.base.Philox;
import org.apache.commons.math3.special.Erf;

/** Numbers of the standard normal distribution, by inversion: each depends on its place alone. */
public final class Normal {
    /** Phi(-2): the share of a normal distribution below two sigma. */
    private static final double BELOW = 0.5 * Erf.erfc(2 / Math.sqrt(2));

    private Normal() {}

    /** The number at {@code element}; no more than 6.4 sigma, for the source has 32 bits an element. */
    public static double value(Philox source, long element) {
        // Half a step keeps the uniform number off 0 and 1, whose quantiles are infinite.
        return quantile(source.uniform(element) + 0x1p-33);
    }

    /** The number at {@code element} of the distribution that is cut off, and not heaped up, at two sigma. */
    public static double truncated(Philox source, long element) {
        return truncated(source.bits(element));
    }

    /** The number that 32 random bits stand for. */
    static double truncated(int bits) {
        return quantile(BELOW + (1 - 2 * BELOW) * ((bits & 0xFFFFFFFFL) * 0x1p-32));
    }

    private static double quantile(double share) {
        return Math.sqrt(2) * Erf.erfInv(2 * share - 1);
    }
}
