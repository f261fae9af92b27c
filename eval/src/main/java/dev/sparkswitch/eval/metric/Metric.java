package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;

/**
 * One or more scores that derive from a sum of per-unit statistics. Adding the statistics of all units, in any order and
 * on any machine, and calling {@link #scores} once gives the score of the whole; so a metric aggregates over a Spark data
 * set as well as over a list, and a bootstrap resamples units without scoring anything twice.
 */
public interface Metric {
    /** Names of the scores, in the order of {@link #scores}. */
    List<String> names();

    /** The number of statistics of a unit. */
    int width();

    /**
     * Adds the statistics of one unit.
     *
     * @param unit the answers of one group, never empty; most metrics take each answer by itself
     * @param sums [width], added to
     */
    void accumulate(List<Answer> unit, double[] sums);

    /**
     * The scores of summed statistics, from 0 to 100.
     *
     * @param sums [width], left as it is
     * @return [names]
     */
    double[] scores(double[] sums);

    /** The scores of one answer by itself, from 0 to 100, by name; what a per-example listing shows. */
    SortedMap<String, Double> example(Answer answer);

    /** Whether the prediction is an answer that the task allows: one of the labels, or any text where text is asked for. */
    default boolean valid(Answer answer) {
        return answer.prediction().isPresent();
    }

    /** What pins the computation, for a report; empty where the names say it all. */
    default String signature() {
        return "";
    }
}
