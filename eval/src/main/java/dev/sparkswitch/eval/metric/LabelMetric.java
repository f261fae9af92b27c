package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Accuracy over a closed set of labels, and the macro-average of the classes' F1 where asked for (CommitmentBank). A
 * prediction counts as a label only when it equals it letter for letter; anything else is wrong and belongs to no class.
 */
public final class LabelMetric implements SumMetric {
    /** Which averages are reported. */
    public enum Averages {
        ACCURACY,
        ACCURACY_AND_MACRO_F1
    }

    private static final int COUNT = 0;
    private static final int RIGHT = 1;
    private static final int CLASSES = 2;

    private final List<String> labels;
    private final Averages averages;

    /** Scores over {@code labels}; F1 is the unweighted mean over exactly these. */
    public LabelMetric(List<String> labels, Averages averages) {
        this.labels = List.copyOf(labels);
        this.averages = averages;
    }

    @Override
    public List<String> names() {
        return averages == Averages.ACCURACY ? List.of("accuracy") : List.of("accuracy", "macro-f1");
    }

    /** Count, right answers, then true positives, predictions and gold occurrences of each label. */
    @Override
    public int width() {
        return CLASSES + 3 * labels.size();
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        for (Answer answer : unit) {
            int gold = labels.indexOf(answer.label());
            int given = answer.prediction().map(labels::indexOf).orElse(-1);
            sums[COUNT]++;
            if (gold >= 0 && gold == given) {
                sums[RIGHT]++;
                sums[CLASSES + 3 * gold]++;
            }
            if (given >= 0) {
                sums[CLASSES + 3 * given + 1]++;
            }
            if (gold >= 0) {
                sums[CLASSES + 3 * gold + 2]++;
            }
        }
    }

    @Override
    public double[] scores(double[] sums) {
        double accuracy = 100 * sums[RIGHT] / Math.max(1, sums[COUNT]);
        if (averages == Averages.ACCURACY) {
            return new double[] {accuracy};
        }
        double total = 0;
        for (double f1 : classF1(sums)) {
            total += f1;
        }
        return new double[] {accuracy, total / labels.size()};
    }

    /** F1 of each label, from 0 to 100: {@code 2 TP / (predicted + gold)}, 0 for a label that never occurs. */
    public double[] classF1(double[] sums) {
        double[] scores = new double[labels.size()];
        for (int i = 0; i < scores.length; i++) {
            double occurrences = sums[CLASSES + 3 * i + 1] + sums[CLASSES + 3 * i + 2];
            scores[i] = occurrences == 0 ? 0 : 200 * sums[CLASSES + 3 * i] / occurrences;
        }
        return scores;
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("accuracy", valid(answer) && answer.predictionOrEmpty().equals(answer.label()) ? 100.0 : 0.0);
        return scores;
    }

    @Override
    public boolean valid(Answer answer) {
        return answer.prediction().isPresent()
                && labels.contains(answer.prediction().get());
    }

    /** The labels, in the order of {@link #classF1}. */
    public List<String> labels() {
        return new ArrayList<>(labels);
    }
}
