package dev.sparkswitch.generate;

import java.util.Arrays;

/** The scores of the next token of one lane: a stretch of an array, changed in place. */
final class Scores {
    private final double[] values;
    private final int from;
    private final int count;

    Scores(double[] values, int from, int count) {
        this.values = values;
        this.from = from;
        this.count = count;
    }

    static Scores of(double... values) {
        return new Scores(values, 0, values.length);
    }

    /** Ids that are scored: 0 to this, exclusive. */
    int count() {
        return count;
    }

    double at(int id) {
        return values[from + id];
    }

    /** Makes a token impossible. */
    void forbid(int id) {
        values[from + id] = Double.NEGATIVE_INFINITY;
    }

    void divide(double divisor) {
        for (int i = from; i < from + count; i++) {
            values[i] /= divisor;
        }
    }

    /** The id of the highest score, ties to the lower one. */
    int best() {
        int best = 0;
        for (int id = 1; id < count; id++) {
            if (at(id) > at(best)) {
                best = id;
            }
        }
        return best;
    }

    /** Turns logits into log-probabilities. */
    void normalize() {
        double max = at(best());
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(values[i] - max);
        }
        double logSumExp = max + Math.log(sum);
        for (int i = from; i < from + count; i++) {
            values[i] -= logSumExp;
        }
    }

    double[] copy() {
        return Arrays.copyOfRange(values, from, from + count);
    }
}
