package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.SortedMap;

/**
 * One or more scores that derive from statistics of units: each unit of scoring gives a few numbers, whatever its size, and
 * the scores follow from the numbers of all. So a metric aggregates over a Spark data set as well as over a list, and a
 * bootstrap resamples units without scoring anything twice. Most metrics are a {@link SumMetric}.
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
     * @param statistics [width], added to
     */
    void accumulate(List<Answer> unit, double[] statistics);

    /**
     * The scores of units together, from 0 to 100 (correlations from -100).
     *
     * @param units [units][width], the statistics of each, left as they are
     * @return [names]
     */
    double[] scores(double[][] units);

    /** The scores of one answer by itself, from 0 to 100, by name; what a per-example listing shows. */
    SortedMap<String, Double> example(Answer answer);

    /** Whether the prediction is an answer that the task allows: one of the labels, or any text where text is asked for. */
    default boolean valid(Answer answer) {
        return answer.prediction().isPresent();
    }

    /**
     * What pins the computation, for a report; empty where the names say it all.
     *
     * @param references the number of references that each example has, 0 where it varies
     */
    default String signature(int references) {
        return "";
    }
}
