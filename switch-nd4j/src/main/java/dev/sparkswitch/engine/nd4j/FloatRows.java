package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Dropout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Loops over the first {@code n} elements of arrays, as wide as the processor's vectors. */
final class FloatRows {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private FloatRows() {}

    /** The sum of the lanes, in their order: that of reduceLanes changes when the method is compiled. */
    private static float lanes(FloatVector vector) {
        float sum = 0;
        for (float lane : vector.toArray()) {
            sum += lane;
        }
        return sum;
    }

    static float dot(float[] a, float[] b, int n) {
        FloatVector sums = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            sums = FloatVector.fromArray(SPECIES, a, i).fma(FloatVector.fromArray(SPECIES, b, i), sums);
        }
        float sum = lanes(sums);
        for (; i < n; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    static float sum(float[] a, int n) {
        FloatVector sums = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            sums = sums.add(FloatVector.fromArray(SPECIES, a, i));
        }
        float sum = lanes(sums);
        for (; i < n; i++) {
            sum += a[i];
        }
        return sum;
    }

    static float max(float[] a, int n) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (n >= LANES) {
            FloatVector maxima = FloatVector.fromArray(SPECIES, a, 0);
            for (i = LANES; i <= n - LANES; i += LANES) {
                maxima = maxima.max(FloatVector.fromArray(SPECIES, a, i));
            }
            max = maxima.reduceLanes(VectorOperators.MAX);
        }
        for (; i < n; i++) {
            max = Math.max(max, a[i]);
        }
        return max;
    }

    /** a = 0 where b is not above 0: chance decides, so that a branch would be guessed wrong half of the time. */
    static void keepWherePositive(float[] a, float[] b, int n) {
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector.zero(SPECIES)
                    .blend(
                            FloatVector.fromArray(SPECIES, a, i),
                            FloatVector.fromArray(SPECIES, b, i).compare(VectorOperators.GT, 0))
                    .intoArray(a, i);
        }
        for (; i < n; i++) {
            a[i] = b[i] > 0 ? a[i] : 0;
        }
    }

    /** a = exp(a - shift); returns the sum of the results. */
    static float expAndSum(float[] a, float shift, int n) {
        FloatVector sums = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= n - LANES; i += LANES) {
            FloatVector e = Exponential.of(FloatVector.fromArray(SPECIES, a, i).sub(shift));
            e.intoArray(a, i);
            sums = sums.add(e);
        }
        float sum = lanes(sums);
        for (; i < n; i++) {
            a[i] = (float) Math.exp(a[i] - shift);
            sum += a[i];
        }
        return sum;
    }

    /** y += factor * x. */
    static void addScaled(float[] y, float factor, float[] x, int n) {
        for (int i = 0; i < n; i++) {
            y[i] += factor * x[i];
        }
    }

    /** a *= factor. */
    static void scale(float[] a, float factor, int n) {
        for (int i = 0; i < n; i++) {
            a[i] *= factor;
        }
    }

    /** a *= b. */
    static void multiply(float[] a, float[] b, int n) {
        for (int i = 0; i < n; i++) {
            a[i] *= b[i];
        }
    }

    /** Scales kept elements of a row that starts with the dropout's element {@code first}, and zeroes the others. */
    static void drop(float[] a, Dropout dropout, long first, int n) {
        if (!dropout.active()) {
            return;
        }
        float scale = (float) dropout.scale();
        int skipped = (int) (first & 1);
        int[] words = RandomWords.of(dropout.source(), first >>> 1, (skipped + n + 1) / 2);
        RandomWords.zeroBelow(words, skipped, dropout.threshold(), a, n);
        scale(a, scale, n);
    }

    /** a *= U(1 - rate, 1 + rate), element by element, from the row's element {@code first} on. */
    static void jitter(float[] a, Dropout noise, long first, int n) {
        if (!noise.active()) {
            return;
        }
        float low = (float) (1 - noise.rate());
        float span = (float) (2 * noise.rate() * 0x1p-32);
        int[] words = RandomWords.of(noise.source(), first, n);
        for (int i = 0; i < n; i++) {
            a[i] *= low + span * (words[i] & 0xFFFFFFFFL);
        }
    }

    /** Rounds a row to BF16. */
    static void roundToBf16(float[] a, int n) {
        for (int i = 0; i < n; i++) {
            a[i] = Bf16.nearest(a[i]);
        }
    }
}
