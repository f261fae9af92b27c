package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Accuracy where a group of answers is one unit: every group counts alike, however many answers it has. */
public final class GroupMetric implements SumMetric {
    /** What a group is worth. */
    public enum Worth {
        /** The share of its answers that are right (T5's {@code mean_group_metric(accuracy)}). */
        MEAN("group-accuracy"),
        /** All or nothing (T5's {@code all_match} of a group). */
        ALL("group-match"),
        /** Its first answer; the others are copies of the row (T5's {@code deduplicate_metric(accuracy)}). */
        FIRST("first-accuracy");

        private final String label;

        Worth(String label) {
            this.label = label;
        }
    }

    private final Worth worth;

    public GroupMetric(Worth worth) {
        this.worth = worth;
    }

    @Override
    public List<String> names() {
        return List.of(worth.label);
    }

    @Override
    public int width() {
        return 2;
    }

    @Override
    public void accumulate(List<Answer> unit, double[] sums) {
        int right = 0;
        for (Answer answer : unit) {
            right += right(answer) ? 1 : 0;
        }
        sums[0]++;
        sums[1] += switch (worth) {
            case MEAN -> (double) right / unit.size();
            case ALL -> right == unit.size() ? 1 : 0;
            case FIRST -> right(unit.get(0)) ? 1 : 0;
        };
    }

    @Override
    public double[] scores(double[] sums) {
        return new double[] {100 * sums[1] / Math.max(1, sums[0])};
    }

    @Override
    public SortedMap<String, Double> example(Answer answer) {
        SortedMap<String, Double> scores = new TreeMap<>();
        scores.put("accuracy", right(answer) ? 100.0 : 0.0);
        return scores;
    }

    private static boolean right(Answer answer) {
        return answer.prediction().filter(answer.references()::contains).isPresent();
    }
}
