package dev.sparkswitch.eval.metric;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Areas under the curves of retrieval, from 0 to 1, as scikit-learn computes them; rows of equal scores are retrieved
 * together. 0 where there is nothing to find or nothing else.
 */
final class Curves {
    private Curves() {}

    /** Under the receiver operating characteristic. */
    static double roc(double[] gold, double[] scores) {
        double positives = Arrays.stream(gold).filter(value -> value == 1).count();
        double negatives = gold.length - positives;
        if (positives == 0 || negatives == 0) {
            return 0;
        }
        double area = 0;
        double found = 0;
        for (int[] step : steps(gold, scores)) {
            // A trapezoid: rows of one score are neither before nor after each other.
            area += step[1] * (found + step[0] / 2.0);
            found += step[0];
        }
        return area / (positives * negatives);
    }

    /** Average precision: the precision at each score, weighted by the recall that it adds. */
    static double precisionRecall(double[] gold, double[] scores) {
        double positives = Arrays.stream(gold).filter(value -> value == 1).count();
        double area = 0;
        double found = 0;
        double retrieved = 0;
        for (int[] step : steps(gold, scores)) {
            found += step[0];
            retrieved += step[0] + step[1];
            area += step[0] * found / retrieved;
        }
        return positives == 0 ? 0 : area / positives;
    }

    /** By score from the highest: how many positives and others have it. */
    private static int[][] steps(double[] gold, double[] scores) {
        int[] order = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        int[][] steps = new int[order.length][];
        int count = 0;
        int from = 0;
        while (from < order.length) {
            int[] step = new int[2];
            int at = from;
            while (at < order.length && scores[order[at]] == scores[order[from]]) {
                step[gold[order[at]] == 1 ? 0 : 1]++;
                at++;
            }
            steps[count++] = step;
            from = at;
        }
        return Arrays.copyOf(steps, count);
    }
}
