package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Corpus chrF2 (M. Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015) as sacreBLEU computes it:
 * character n-grams up to 6 without white space, recall weighted twice as much as precision, the best reference of each
 * example.
 */
public final class ChrfMetric implements Metric {
    private static final int ORDERS = 6;
    private static final double BETA_SQUARED = 4;

    @Override
    public List<String> names() {
        return List.of("chrf2");
    }

    /** By order: n-grams of the prediction, of the reference, shared. */
    @Override
    public int width() {
        return 3 * ORDERS;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            List<Map<String, Integer>> given = ngrams(answer.predictionOrEmpty());
            double[] best = null;
            for (String reference : answer.references()) {
                double[] statistics = statistics(given, ngrams(reference));
                best = best == null || score(statistics) > score(best) ? statistics : best;
            }
            for (int i = 0; i < sums.length; i++) {
                sums[i] += best[i];
            }
        }
    }

    @Override
    public double[] scores(double[] sums) {
        return new double[] {score(sums)};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        double[] sums = new double[width()];
        accumulate(List.of(answer), sums);
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("chrf2", score(sums));
        return scores;
    }

    private static double score(double[] sums) {
        double precision = 0;
        double recall = 0;
        int orders = 0;
        for (int n = 0; n < ORDERS; n++) {
            if (sums[3 * n] > 0 && sums[3 * n + 1] > 0) {
                precision += sums[3 * n + 2] / sums[3 * n];
                recall += sums[3 * n + 2] / sums[3 * n + 1];
                orders++;
            }
        }
        if (precision + recall == 0) {
            return 0;
        }
        precision /= orders;
        recall /= orders;
        return 100 * (1 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall);
    }

    private static double[] statistics(List<Map<String, Integer>> given, List<Map<String, Integer>> wanted) {
        double[] statistics = new double[3 * ORDERS];
        for (int n = 0; n < ORDERS; n++) {
            // An order that the reference lacks says nothing about the prediction.
            statistics[3 * n] = wanted.get(n).isEmpty() ? 0 : total(given.get(n));
            statistics[3 * n + 1] = total(wanted.get(n));
            statistics[3 * n + 2] = Words.overlap(given.get(n), wanted.get(n));
        }
        return statistics;
    }

    private static int total(Map<String, Integer> counts) {
        int total = 0;
        for (int count : counts.values()) {
            total += count;
        }
        return total;
    }

    private static List<Map<String, Integer>> ngrams(String text) {
        int[] characters = String.join("", Words.split(text)).codePoints().toArray();
        List<Map<String, Integer>> counts = new ArrayList<>();
        for (int order = 1; order <= ORDERS; order++) {
            Map<String, Integer> ofOrder = new HashMap<>();
            for (int start = 0; start + order <= characters.length; start++) {
                ofOrder.merge(new String(characters, start, order), 1, Integer::sum);
            }
            counts.add(ofOrder);
        }
        return counts;
    }
}
