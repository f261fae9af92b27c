package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** The share of predictions that equal a reference letter for letter (T5's {@code sequence_accuracy}). */
public final class SequenceMetric implements SumMetric {
    private static final String NAME = "sequence-accuracy";

    @Override
    public List<String> names() {
        return List.of(NAME);
    }

    @Override
    public int width() {
        return 2;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            sums[0]++;
            sums[1] += right(answer) ? 1 : 0;
        }
    }

    @Override
    public double[] scores(double[] sums) {
        return new double[] {100 * sums[1] / Math.max(1, sums[0])};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put(NAME, right(answer) ? 100.0 : 0.0);
        return scores;
    }

    private static boolean right(Answer answer) {
        return answer.prediction().filter(answer.references()::contains).isPresent();
    }
}
