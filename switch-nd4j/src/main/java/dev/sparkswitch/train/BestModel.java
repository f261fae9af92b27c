package dev.sparkswitch.train;

import java.util.Map;
import java.util.SortedMap;

/** The best evaluation of a run so far, and how many followed it. Part of every checkpoint. */
final class BestModel {
    private static final String SCORE = "best-score";
    private static final String STEP = "best-step";
    private static final String SINCE = "evaluations-since-best";

    private double score = Double.POSITIVE_INFINITY;
    private long step;
    private int since;

    /** Takes up what {@link #save} wrote. */
    void restore(Map<String, String> values) {
        if (values.containsKey(SCORE)) {
            score = Double.parseDouble(values.get(SCORE));
            step = Long.parseLong(values.get(STEP));
            since = Integer.parseInt(values.get(SINCE));
        }
    }

    void save(SortedMap<String, String> values) {
        if (score < Double.POSITIVE_INFINITY) {
            values.put(SCORE, Double.toString(score));
            values.put(STEP, Long.toString(step));
            values.put(SINCE, Integer.toString(since));
        }
    }

    /**
     * Notes an evaluation.
     *
     * @param found what the best has least of; what is no number is never best
     */
    void evaluated(long atStep, double found) {
        if (found < score) {
            score = found;
            step = atStep;
            since = 0;
        } else {
            since++;
        }
    }

    /** Whether the evaluation after {@code atStep} was the best so far. */
    boolean isAt(long atStep) {
        return step == atStep;
    }

    /** Whether {@code patience} evaluations in a row were no better; never where it is 0. */
    boolean isStale(int patience) {
        return patience > 0 && since >= patience;
    }
}
