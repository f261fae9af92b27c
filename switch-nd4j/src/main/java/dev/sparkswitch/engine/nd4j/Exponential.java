package dev.sparkswitch.engine.nd4j;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;

/**
 * exp of every lane, made of additions and products alone. The Vector API's own EXP has other last bits once the method that
 * uses it is compiled, so that the same run twice would not give the same bits.
 *
 * <p>{@code exp(x) = 2^n exp(r)} with n the integer nearest to x / ln 2 and {@code |r| <= ln 2 / 2}, where exp(r) is its
 * Taylor polynomial up to a term below the type's precision.
 */
final class Exponential {
    private static final double LOG2_E = 1.4426950408889634;
    /** ln 2 in two parts; products of the first with small integers are exact. */
    private static final float LN2_HIGH_FLOAT = 0x1.62e4p-1f;

    private static final float LN2_LOW_FLOAT = (float) (Math.log(2) - 0x1.62e4p-1);
    private static final double LN2_HIGH = 0x1.62e42feep-1;
    private static final double LN2_LOW = 1.90821492927058770002e-10;

    /** Adding and subtracting it rounds to an integer, which the lowest bits of the sum hold. */
    private static final float ROUNDER_FLOAT = 0x1.8p23f;

    private static final double ROUNDER = 0x1.8p52;

    private Exponential() {}

    /** exp of lanes at or below 0; 0 where that is below float32's normal numbers. NaN stays. */
    static FloatVector of(FloatVector x) {
        FloatVector shifted = x.mul((float) LOG2_E).add(ROUNDER_FLOAT);
        FloatVector n = shifted.sub(ROUNDER_FLOAT);
        FloatVector r = n.fma(n.broadcast(-LN2_HIGH_FLOAT), x);
        r = n.fma(n.broadcast(-LN2_LOW_FLOAT), r);
        // Written out: a loop over coefficients does not stay in registers.
        FloatVector sum = r.broadcast(1f / 5040);
        sum = sum.fma(r, r.broadcast(1f / 720));
        sum = sum.fma(r, r.broadcast(1f / 120));
        sum = sum.fma(r, r.broadcast(1f / 24));
        sum = sum.fma(r, r.broadcast(1f / 6));
        sum = sum.fma(r, r.broadcast(1f / 2));
        sum = sum.fma(r, r.broadcast(1f));
        sum = sum.fma(r, r.broadcast(1f));
        IntVector power = shifted.reinterpretAsInts().add(127).lanewise(VectorOperators.LSHL, 23);
        FloatVector result = sum.mul(power.reinterpretAsFloats());
        return result.blend(0, x.lt(-87));
    }

    /** exp of lanes at or below 0; 0 where that is below float64's normal numbers. NaN stays. */
    static DoubleVector of(DoubleVector x) {
        DoubleVector shifted = x.mul(LOG2_E).add(ROUNDER);
        DoubleVector n = shifted.sub(ROUNDER);
        DoubleVector r = n.fma(n.broadcast(-LN2_HIGH), x);
        r = n.fma(n.broadcast(-LN2_LOW), r);
        DoubleVector sum = r.broadcast(1 / 6227020800.0);
        sum = sum.fma(r, r.broadcast(1 / 479001600.0));
        sum = sum.fma(r, r.broadcast(1 / 39916800.0));
        sum = sum.fma(r, r.broadcast(1 / 3628800.0));
        sum = sum.fma(r, r.broadcast(1 / 362880.0));
        sum = sum.fma(r, r.broadcast(1 / 40320.0));
        sum = sum.fma(r, r.broadcast(1 / 5040.0));
        sum = sum.fma(r, r.broadcast(1 / 720.0));
        sum = sum.fma(r, r.broadcast(1 / 120.0));
        sum = sum.fma(r, r.broadcast(1 / 24.0));
        sum = sum.fma(r, r.broadcast(1 / 6.0));
        sum = sum.fma(r, r.broadcast(1 / 2.0));
        sum = sum.fma(r, r.broadcast(1.0));
        sum = sum.fma(r, r.broadcast(1.0));
        LongVector power = shifted.reinterpretAsLongs().add(1023).lanewise(VectorOperators.LSHL, 52);
        DoubleVector result = sum.mul(power.reinterpretAsDoubles());
        return result.blend(0, x.lt(-708));
    }
}
