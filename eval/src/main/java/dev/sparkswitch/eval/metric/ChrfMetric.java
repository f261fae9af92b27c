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
 * example. chrF2++ (Popović 2017) has word n-grams up to 2 beside them, punctuation at a word's border split off.
 */
public final class ChrfMetric implements SumMetric {
    private static final int CHARACTER_ORDERS = 6;
    private static final double BETA_SQUARED = 4;
    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    private final int wordOrders;
    private final int orders;
    private final BleuMetric.Case letters;

    /**
     * @param wordOrders longest n-gram of words: 0 for chrF, 2 for chrF++
     */
    public ChrfMetric(int wordOrders, BleuMetric.Case letters) {
        this.wordOrders = wordOrders;
        this.orders = CHARACTER_ORDERS + wordOrders;
        this.letters = letters;
    }

    /** sacreBLEU's default: chrF2, cased. */
    public static ChrfMetric standard() {
        return new ChrfMetric(0, BleuMetric.Case.MIXED);
    }

    /** chrF2++, cased. */
    public static ChrfMetric withWords() {
        return new ChrfMetric(2, BleuMetric.Case.MIXED);
    }

    @Override
    public List<String> names() {
        return List.of("chrf2" + "+".repeat(wordOrders));
    }

    /** By order: n-grams of the prediction, of the reference, shared. */
    @Override
    public int width() {
        return 3 * orders;
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
        scores.put(names().get(0), score(sums));
        return scores;
    }

    private double score(double[] sums) {
        double precision = 0;
        double recall = 0;
        int effective = 0;
        for (int n = 0; n < orders; n++) {
            if (sums[3 * n] > 0 && sums[3 * n + 1] > 0) {
                precision += sums[3 * n + 2] / sums[3 * n];
                recall += sums[3 * n + 2] / sums[3 * n + 1];
                effective++;
            }
        }
        if (precision + recall == 0) {
            return 0;
        }
        precision /= effective;
        recall /= effective;
        // In the reference's order of operations, as rounding decides which of two equal references counts.
        double score = (1 + BETA_SQUARED) * precision * recall;
        return 100 * (score / (BETA_SQUARED * precision + recall));
    }

    private double[] statistics(List<Map<String, Integer>> given, List<Map<String, Integer>> wanted) {
        double[] statistics = new double[3 * orders];
        for (int n = 0; n < orders; n++) {
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

    private List<Map<String, Integer>> ngrams(String text) {
        String line = letters == BleuMetric.Case.LOWER ? Words.lower(text) : text;
        int[] characters = String.join("", Words.split(line)).codePoints().toArray();
        List<Map<String, Integer>> counts = new ArrayList<>();
        for (int order = 1; order <= CHARACTER_ORDERS; order++) {
            Map<String, Integer> ofOrder = new HashMap<>();
            for (int start = 0; start + order <= characters.length; start++) {
                ofOrder.merge(new String(characters, start, order), 1, Integer::sum);
            }
            counts.add(ofOrder);
        }
        if (wordOrders > 0) {
            List<String> words = words(line);
            for (int order = 1; order <= wordOrders; order++) {
                Map<String, Integer> ofOrder = new HashMap<>();
                for (int start = 0; start + order <= words.size(); start++) {
                    ofOrder.merge(String.join(" ", words.subList(start, start + order)), 1, Integer::sum);
                }
                counts.add(ofOrder);
            }
        }
        return counts;
    }

    /** One mark at a word's end, or else at its beginning, is a word of its own. */
    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        for (String word : Words.split(line)) {
            int last = word.length() - 1;
            if (word.codePointCount(0, word.length()) > 1 && PUNCTUATION.indexOf(word.charAt(last)) >= 0) {
                words.add(word.substring(0, last));
                words.add(word.substring(last));
            } else if (last > 0 && PUNCTUATION.indexOf(word.charAt(0)) >= 0) {
                words.add(word.substring(0, 1));
                words.add(word.substring(1));
            } else {
                words.add(word);
            }
        }
        return words;
    }

    @Override
    public String signature(int references) {
        return "nrefs:" + (references == 0 ? "var" : references) + "|case:"
                + (letters == BleuMetric.Case.MIXED ? "mixed" : "lc") + "|eff:yes|nc:" + CHARACTER_ORDERS + "|nw:"
                + wordOrders + "|space:no|version:" + BleuMetric.EQUAL_TO + "+sparkswitch";
    }
}
