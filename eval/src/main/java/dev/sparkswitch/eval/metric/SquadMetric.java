package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Exact match and F1 of SQuAD v1.1 (Rajpurkar et al. 2016; the official {@code evaluate-v1.1.py}, as T5's
 * {@code qa_utils} computes them), the best over the references. ReCoRD is scored the same way, TriviaQA in a normal form of
 * its own. A missing prediction scores 0.
 */
public final class SquadMetric implements SumMetric {
    private final AnswerForm form;

    /** SQuAD's own. */
    public SquadMetric() {
        this(AnswerForm.SQUAD);
    }

    /** Compares answers in the normal form {@code form}. */
    public SquadMetric(AnswerForm form) {
        this.form = form;
    }

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
            String prediction = form.of(answer.prediction().get());
            List<String> words = Words.split(prediction);
            boolean exact = false;
            double best = 0;
            for (String reference : answer.references()) {
                String normalized = form.of(reference);
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
        return new TreeMap<>(Map.of("exact-match", 100 * sums[1], "f1", 100 * sums[2]));
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
