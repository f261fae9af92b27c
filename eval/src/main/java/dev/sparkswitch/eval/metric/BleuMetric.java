package dev.sparkswitch.eval.metric;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Corpus BLEU (Papineni et al. 2002) as sacreBLEU computes it (Post, "A call for clarity in reporting BLEU scores", 2018):
 * n-grams up to 4, counts clipped at the maximum over the references, the closest reference length (of two, the shorter).
 */
public final class BleuMetric implements SumMetric {
    /** What replaces a precision of 0. */
    public enum Smoothing {
        /** Half, a quarter, ... of one match for each further order without one; sacreBLEU's default. */
        EXPONENTIAL("exp"),
        /** 0.1 matches. */
        FLOOR("floor[0.10]"),
        /** One more match and n-gram at every order above 1. */
        ADD_ONE("add-k[1.00]"),
        NONE("none");

        private final String label;

        Smoothing(String label) {
            this.label = label;
        }
    }

    /** Whether upper and lower case are told apart. */
    public enum Case {
        MIXED,
        LOWER
    }

    /** Whether orders beyond the longest n-gram of a text count; only sentences by themselves are scored without. */
    public enum Order {
        FULL,
        EFFECTIVE
    }

    /**
     * A score with its parts.
     *
     * @param score BLEU, from 0 to 100
     * @param precisions by order, from 0 to 100, smoothed
     * @param brevityPenalty from 0 to 1
     * @param systemLength words of the predictions
     * @param referenceLength words of the closest references
     */
    public record Bleu(
            double score, List<Double> precisions, double brevityPenalty, long systemLength, long referenceLength) {
        public Bleu {
            precisions = List.copyOf(precisions);
        }
    }

    private static final int ORDERS = 4;
    private static final int MATCHES = 2;
    private static final int TOTALS = MATCHES + ORDERS;
    private static final double FLOOR = 0.1;
    // The release whose scores these equal to the last printed digit.
    static final String EQUAL_TO = "2.6.0";

    private final BleuTokenizer tokenizer;
    private final Smoothing smoothing;
    private final Case letters;

    public BleuMetric(BleuTokenizer tokenizer, Smoothing smoothing, Case letters) {
        this.tokenizer = tokenizer;
        this.smoothing = smoothing;
        this.letters = letters;
    }

    /** sacreBLEU's default: 13a, exponential smoothing, cased. */
    public static BleuMetric standard() {
        return new BleuMetric(BleuTokenizer.MTEVAL_13A, Smoothing.EXPONENTIAL, Case.MIXED);
    }

    @Override
    public List<String> names() {
        return List.of("bleu");
    }

    /** Words predicted, words of the closest reference, matches by order, n-grams by order. */
    @Override
    public int width() {
        return TOTALS + ORDERS;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            List<String> words = words(answer.predictionOrEmpty());
            Map<String, Integer> given = ngrams(words);
            Map<String, Integer> wanted = new HashMap<>();
            int closest = -1;
            for (String reference : answer.references()) {
                List<String> other = words(reference);
                int distance = Math.abs(other.size() - words.size());
                int best = Math.abs(closest - words.size());
                if (closest < 0 || distance < best || distance == best && other.size() < closest) {
                    closest = other.size();
                }
                ngrams(other).forEach((ngram, count) -> wanted.merge(ngram, count, Math::max));
            }
            sums[0] += words.size();
            sums[1] += closest;
            given.forEach((ngram, count) ->
                    sums[MATCHES + order(ngram) - 1] += Math.min(count, wanted.getOrDefault(ngram, 0)));
            for (int order = 1; order <= ORDERS; order++) {
                sums[TOTALS + order - 1] += Math.max(0, words.size() - order + 1);
            }
        }
    }

    @Override
    public double[] scores(double[] sums) {
        return new double[] {bleu(sums, Order.FULL).score()};
    }

    /** BLEU of summed statistics. */
    public Bleu bleu(double[] sums, Order order) {
        double system = sums[0];
        double reference = sums[1];
        double penalty = system >= reference ? 1 : system > 0 ? Math.exp(1 - reference / system) : 0;
        Double[] precisions = new Double[ORDERS];
        Arrays.fill(precisions, 0.0);
        double matches = 0;
        for (int n = 0; n < ORDERS; n++) {
            matches += sums[MATCHES + n];
        }
        if (matches == 0) {
            return new Bleu(0, List.of(precisions), penalty, (long) system, (long) reference);
        }
        double shrink = 1;
        int orders = ORDERS;
        for (int n = 0; n < ORDERS; n++) {
            double more = smoothing == Smoothing.ADD_ONE && n > 0 ? 1 : 0;
            double right = sums[MATCHES + n] + more;
            double total = sums[TOTALS + n] + more;
            if (total == 0) {
                break;
            }
            orders = order == Order.EFFECTIVE ? n + 1 : ORDERS;
            if (right > 0) {
                precisions[n] = 100 * right / total;
            } else if (smoothing == Smoothing.EXPONENTIAL) {
                shrink *= 2;
                precisions[n] = 100 / (shrink * total);
            } else if (smoothing == Smoothing.FLOOR) {
                precisions[n] = 100 * FLOOR / total;
            }
        }
        double logarithms = 0;
        for (int n = 0; n < orders; n++) {
            logarithms += Math.log(precisions[n]);
        }
        return new Bleu(
                penalty * Math.exp(logarithms / orders), List.of(precisions), penalty, (long) system, (long) reference);
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        double[] sums = new double[width()];
        accumulate(List.of(answer), sums);
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("bleu", bleu(sums, Order.EFFECTIVE).score());
        return scores;
    }

    @Override
    public String signature(int references) {
        return "nrefs:" + (references == 0 ? "var" : references) + "|case:" + (letters == Case.MIXED ? "mixed" : "lc")
                + "|eff:no|tok:" + tokenizer.label() + "|smooth:" + smoothing.label + "|version:" + EQUAL_TO
                + "+sparkswitch";
    }

    private List<String> words(String text) {
        String line = Words.stripTrailing(text);
        return Words.split(tokenizer.tokenize(letters == Case.LOWER ? Words.lower(line) : line));
    }

    private static Map<String, Integer> ngrams(List<String> words) {
        Map<String, Integer> counts = new HashMap<>();
        for (int start = 0; start < words.size(); start++) {
            StringBuilder ngram = new StringBuilder();
            for (int end = start; end < Math.min(words.size(), start + ORDERS); end++) {
                ngram.append(end == start ? "" : " ").append(words.get(end));
                counts.merge(ngram.toString(), 1, Integer::sum);
            }
        }
        return counts;
    }

    private static int order(String ngram) {
        int order = 1;
        for (int i = 0; i < ngram.length(); i++) {
            order += ngram.charAt(i) == ' ' ? 1 : 0;
        }
        return order;
    }
}
