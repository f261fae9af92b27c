package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Scores of numbers that a system writes against gold numbers; what they say depends on all of them together. */
public final class NumberMetric implements Metric {
    /** What T5 takes a prediction for that is no number. */
    private static final double NO_NUMBER = -1;

    /** What is computed. */
    public enum Kind {
        /** Pearson's and Spearman's coefficients, times 100. */
        CORRELATION("pearson", "spearman"),
        /** Areas under the curves of retrieving the gold number 1 among 0s, from 0 to 100. */
        CURVES("auc-roc", "auc-pr");

        private final List<String> labels;

        Kind(String... labels) {
            this.labels = List.of(labels);
        }
    }

    private final Kind kind;

    public NumberMetric(Kind kind) {
        this.kind = kind;
    }

    @Override
    public List<String> names() {
        return kind.labels;
    }

    /** Gold number and prediction. */
    @Override
    public int width() {
        return 2;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] statistics) {
        if (unit.size() != 1) {
            throw new IllegalArgumentException("numbers are scored one by one, not " + unit.size() + " a unit");
        }
        statistics[0] += gold(unit.get(0));
        statistics[1] += number(unit.get(0).predictionOrEmpty());
    }

    @Override
    public double[] scores(double[][] units) {
        double[] gold = new double[units.length];
        double[] given = new double[units.length];
        for (int i = 0; i < units.length; i++) {
            gold[i] = units[i][0];
            given[i] = units[i][1];
        }
        return switch (kind) {
            case CORRELATION ->
                new double[] {100 * Correlations.pearson(gold, given), 100 * Correlations.spearman(gold, given)};
            case CURVES -> new double[] {100 * Curves.roc(gold, given), 100 * Curves.precisionRecall(gold, given)};
        };
    }

    /** How far off it is. */
    @Override
    public SortedMap<String, Double> example(Answer answer) {
        return new TreeMap<>(Map.of("difference", Math.abs(gold(answer) - number(answer.predictionOrEmpty()))));
    }

    @Override
    public boolean valid(Answer answer) {
        return answer.prediction().filter(text -> !Double.isNaN(parsed(text))).isPresent();
    }

    private static double gold(Answer answer) {
        double gold = parsed(answer.references().get(0));
        if (Double.isNaN(gold)) {
            throw new IllegalArgumentException("the gold answer of " + answer.group() + " is no number");
        }
        return gold;
    }

    private static double number(String text) {
        double parsed = parsed(text);
        return Double.isNaN(parsed) ? NO_NUMBER : parsed;
    }

    private static double parsed(String text) {
        try {
            return Double.parseDouble(text.strip());
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }
}
