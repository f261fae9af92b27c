package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.List;

/**
 * What a metric knows of the units that it has seen. States of parts of the data merge into that of the whole: a handful of
 * sums for a {@link SumMetric}, otherwise one row of statistics a unit. Not safe for use by several threads.
 */
public final class MetricState {
    private final Metric metric;
    private final List<double[]> rows = new ArrayList<>();

    /** A state that has seen nothing. */
    public MetricState(Metric metric) {
        this.metric = metric;
    }

    /** Takes the answers of one group, all of them. */
    public void add(List<Answer> unit) {
        metric.accumulate(unit, row());
    }

    /** Takes what another state of the same metric has seen. */
    public void merge(MetricState other) {
        other.rows.forEach(this::merge);
    }

    /**
     * Takes a row that {@link #rows} gave, here or on another machine.
     *
     * @param statistics [width]
     */
    public void merge(double[] statistics) {
        double[] row = row();
        for (int i = 0; i < row.length; i++) {
            row[i] += statistics[i];
        }
    }

    /** All that is known, in rows of [width] numbers that travel: the sums, or the units. */
    public List<double[]> rows() {
        return List.copyOf(rows);
    }

    /** The scores of all units seen, by the metric's {@link Metric#names}. */
    public double[] scores() {
        return metric.scores(rows.toArray(double[][]::new));
    }

    /** The row that the next unit is added to. */
    private double[] row() {
        if (rows.isEmpty() || !(metric instanceof SumMetric)) {
            rows.add(new double[metric.width()]);
        }
        return rows.get(rows.size() - 1);
    }
}
