package dev.sparkswitch.engine.nd4j;

/** Rounding to bfloat16: eight bits of significand, ties to even. NaN stays NaN. */
final class Bf16 {
    private static final int FLOAT_REST = 16;
    /** float64 has 45 bits of significand more; numbers below or above bfloat16's range are left in theirs. */
    private static final int DOUBLE_REST = 45;

    private Bf16() {}

    /** The nearest bfloat16. */
    static float nearest(float x) {
        if (Float.isNaN(x)) {
            return x;
        }
        int bits = Float.floatToRawIntBits(x);
        int rounded = bits + 0x7FFF + (bits >>> FLOAT_REST & 1);
        return Float.intBitsToFloat(rounded & -1 << FLOAT_REST);
    }

    /** The nearest number of bfloat16's significand; rounding to float32 first would round ties twice. */
    static double nearest(double x) {
        if (Double.isNaN(x)) {
            return x;
        }
        long bits = Double.doubleToRawLongBits(x);
        long half = (1L << DOUBLE_REST - 1) - 1;
        long rounded = bits + half + (bits >>> DOUBLE_REST & 1);
        return Double.longBitsToDouble(rounded & -1L << DOUBLE_REST);
    }
}
