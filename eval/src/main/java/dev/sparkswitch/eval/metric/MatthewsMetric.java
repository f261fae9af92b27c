package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Matthews' correlation coefficient over any number of classes, times 100 (Gorodkin, "Comparing two K-category assignments
 * by a K-category correlation coefficient", 2004). A prediction that is no label is a class of its own, which no gold label
 * has; where the coefficient is not defined it is 0, as scikit-learn has it.
 */
public final class MatthewsMetric implements SumMetric {
    private static final String NAME = "matthews";

    private final List<String> labels;

    public MatthewsMetric(List<String> labels) {
        this.labels = List.copyOf(labels);
    }

    @Override
    public List<String> names() {
        return List.of(NAME);
    }

    /** Right answers, then predictions of each class and of none, then gold occurrences of the same. */
    @Override
    public int width() {
        return 1 + 2 * (labels.size() + 1);
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        int classes = labels.size() + 1;
        for (Answer answer : unit) {
            int gold = place(answer.label());
            int given = place(answer.predictionOrEmpty());
            sums[0] += gold == given && gold < labels.size() ? 1 : 0;
            sums[1 + given]++;
            sums[1 + classes + gold]++;
        }
    }

    private int place(String label) {
        int index = labels.indexOf(label);
        return index < 0 ? labels.size() : index;
    }

    @Override
    public double[] scores(double[] sums) {
        int classes = labels.size() + 1;
        double count = 0;
        double products = 0;
        double predicted = 0;
        double gold = 0;
        for (int i = 0; i < classes; i++) {
            double given = sums[1 + i];
            double wanted = sums[1 + classes + i];
            count += given;
            products += given * wanted;
            predicted += given * given;
            gold += wanted * wanted;
        }
        double spread = Math.sqrt((count * count - predicted) * (count * count - gold));
        return new double[] {spread == 0 ? 0 : 100 * (sums[0] * count - products) / spread};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("accuracy", valid(answer) && answer.predictionOrEmpty().equals(answer.label()) ? 100.0 : 0.0);
        return scores;
    }

    @Override
    public boolean valid(Answer answer) {
        return answer.prediction().filter(labels::contains).isPresent();
    }
}
