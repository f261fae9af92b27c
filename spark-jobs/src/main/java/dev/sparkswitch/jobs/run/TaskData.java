package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Mixture;
import java.util.List;

/**
 * What of tasks is trained on and judged by.
 *
 * @param tasks the tasks
 * @param mixture how often each is drawn from
 * @param inputs tokens of an input row
 * @param targets tokens of a target row
 * @param heldOut the share of the training examples on which the loss is measured
 * @param seed of the order
 * @param rows that training reads in all: no more are mixed
 * @param selection how models are compared
 */
record TaskData(
        List<TaskSource> tasks,
        Mixture mixture,
        int inputs,
        int targets,
        double heldOut,
        long seed,
        long rows,
        SelectionConfig selection) {
    /**
     * Refuses a metric of no task.
     *
     * @throws UserException listing those that there are
     */
    void requireMetric() {
        String metric = selection.metric();
        String task = metric.contains("/") ? metric.substring(0, metric.indexOf('/')) : metric;
        if (!selection.byLoss()
                && !metric.equals(SelectionConfig.MEAN)
                && tasks.stream().noneMatch(source -> source.name().equals(task))) {
            throw new UserException("selection.metric is " + metric + ", but the tasks are "
                    + String.join(", ", tasks.stream().map(TaskSource::name).toList())
                    + ": set it to mean, loss, one of them, or TASK/SCORE.");
        }
    }
}
