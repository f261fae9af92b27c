package dev.sparkswitch.jobs.run;

import java.util.List;

/**
 * How the ranks of a run compare its models.
 *
 * @param settings which scores count
 * @param tasks that are answered
 * @param examples the box of {@link ValidationExamples}, or empty where the held-out loss decides
 * @param vocabulary the folder of the vocabulary
 * @param inputs tokens of an input
 * @param targets tokens of a target
 */
record TaskSelection(
        SelectionConfig settings, List<TaskSource> tasks, String examples, String vocabulary, int inputs, int targets) {
    /** A selection by the held-out loss alone. */
    static TaskSelection byLoss(SelectionConfig settings) {
        return new TaskSelection(settings, List.of(), "", "", 1, 1);
    }
}
