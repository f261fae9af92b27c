package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * MultiRC's scores (Khashabi et al. 2018; SuperGLUE): F1 of the label {@code True} over all answers, and the share of
 * questions of which every answer is judged right. A unit is a question with all its answers. A prediction that is
 * neither {@code True} nor {@code False} counts as the opposite of the gold label.
 */
public final class MultiRcMetric implements SumMetric {
    private static final int TRUE_POSITIVES = 0;
    private static final int PREDICTED = 1;
    private static final int GOLD = 2;
    private static final int QUESTIONS = 3;
    private static final int EXACT = 4;

    @Override
    public List<String> names() {
        return List.of("f1a", "exact-match");
    }

    @Override
    public int width() {
        return 5;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        boolean exact = true;
        for (Answer answer : unit) {
            boolean gold = answer.label().equals("True");
            boolean given = valid(answer) ? answer.predictionOrEmpty().equals("True") : !gold;
            sums[TRUE_POSITIVES] += gold && given ? 1 : 0;
            sums[PREDICTED] += given ? 1 : 0;
            sums[GOLD] += gold ? 1 : 0;
            exact &= gold == given;
        }
        sums[QUESTIONS]++;
        sums[EXACT] += exact ? 1 : 0;
    }

    @Override
    public double[] scores(double[] sums) {
        double occurrences = sums[PREDICTED] + sums[GOLD];
        double f1 = occurrences == 0 ? 0 : 200 * sums[TRUE_POSITIVES] / occurrences;
        return new double[] {f1, 100 * sums[EXACT] / Math.max(1, sums[QUESTIONS])};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put(
                "accuracy", answer.prediction().filter(answer.label()::equals).isPresent() ? 100.0 : 0.0);
        return scores;
    }

    @Override
    public boolean valid(Answer answer) {
        return answer.prediction()
                .filter(text -> text.equals("True") || text.equals("False"))
                .isPresent();
    }
}
