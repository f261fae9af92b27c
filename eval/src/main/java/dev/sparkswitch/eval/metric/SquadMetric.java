package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Exact match and F1 of SQuAD v1.1 (Rajpurkar et al. 2016; the official {@code evaluate-v1.1.py}, as T5's
 * {@code qa_utils} computes them), the best over the references. ReCoRD is scored the same way. A missing prediction
 * scores 0.
 */
public final class SquadMetric implements Metric {
    // Python's \b: the borders of letters, numbers and the underscore, in any script.
    private static final Pattern ARTICLES = Pattern.compile("(?<![\\p{L}\\p{N}_])(?:a|an|the)(?![\\p{L}\\p{N}_])");
    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    @Override
    public List<String> names() {
        return List.of("exact-match", "f1");
    }

    @Override
    public int width() {
        return 3;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            sums[0]++;
            if (answer.prediction().isEmpty()) {
                continue;
            }
            String prediction = normalize(answer.prediction().get());
            List<String> words = Words.split(prediction);
            boolean exact = false;
            double best = 0;
            for (String reference : answer.references()) {
                String normalized = normalize(reference);
                exact |= normalized.equals(prediction);
                best = Math.max(best, f1(words, Words.split(normalized)));
            }
            sums[1] += exact ? 1 : 0;
            sums[2] += best;
        }
    }

    @Override
    public double[] scores(double[] sums) {
        double count = Math.max(1, sums[0]);
        return new double[] {100 * sums[1] / count, 100 * sums[2] / count};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        double[] sums = new double[width()];
        accumulate(List.of(answer), sums);
        return new TreeMap<>(java.util.Map.of("exact-match", 100 * sums[1], "f1", 100 * sums[2]));
    }

    /** Lower case, ASCII punctuation deleted, articles to a space, white space collapsed: SQuAD's normal form. */
    public static String normalize(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        String lower = text.toLowerCase(Locale.ROOT);
        for (int i = 0; i < lower.length(); i++) {
            char c = lower.charAt(i);
            if (PUNCTUATION.indexOf(c) < 0) {
                kept.append(c);
            }
        }
        return String.join(" ", Words.split(ARTICLES.matcher(kept).replaceAll(" ")));
    }

    /** Harmonic mean of precision and recall over multisets of words; 0 where nothing is shared, both empty included. */
    private static double f1(List<String> prediction, List<String> reference) {
        int common = Words.overlap(Words.counts(prediction), Words.counts(reference));
        if (common == 0) {
            return 0;
        }
        double precision = (double) common / prediction.size();
        double recall = (double) common / reference.size();
        return 2 * precision * recall / (precision + recall);
    }
}
