package dev.sparkswitch.eval.metric;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Correlation of two series of numbers; 0 where it is not defined, since one of them does not vary. */
final class Correlations {
    private Correlations() {}

    /** Pearson's coefficient, from -1 to 1. */
    static double pearson(double[] left, double[] right) {
        double leftMean = Arrays.stream(left).average().orElse(0);
        double rightMean = Arrays.stream(right).average().orElse(0);
        double product = 0;
        double leftSquares = 0;
        double rightSquares = 0;
        for (int i = 0; i < left.length; i++) {
            double a = left[i] - leftMean;
            double b = right[i] - rightMean;
            product += a * b;
            leftSquares += a * a;
            rightSquares += b * b;
        }
        double spread = Math.sqrt(leftSquares) * Math.sqrt(rightSquares);
        return spread == 0 ? 0 : Math.max(-1, Math.min(1, product / spread));
    }

    /** Spearman's coefficient: Pearson's of the ranks, equal numbers sharing the mean of theirs. */
    static double spearman(double[] left, double[] right) {
        return pearson(ranks(left), ranks(right));
    }

    private static double[] ranks(double[] values) {
        Integer[] order = IntStream.range(0, values.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.comparingDouble(i -> values[i]));
        double[] ranks = new double[values.length];
        int from = 0;
        while (from < order.length) {
            int to = from + 1;
            while (to < order.length && values[order[to]] == values[order[from]]) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order[i]] = (from + to + 1) / 2.0;
            }
            from = to;
        }
        return ranks;
    }
}
