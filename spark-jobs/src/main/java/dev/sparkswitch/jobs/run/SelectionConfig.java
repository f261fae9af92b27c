package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.model.Contradictions;
import java.util.Optional;

/**
 * How the models of a run are compared on its way, and when it ends before its last step.
 *
 * @param metric {@code mean} of all tasks (those of a task with several scores averaged first), a task, {@code TASK/SCORE},
 *     or {@code loss} on the held-out examples
 * @param examples validation examples of a task, at most
 * @param labels how tasks with a closed set of answers are answered
 * @param generation how other answers are written; greedily where nothing is said
 * @param rows examples that a rank answers together
 * @param patience evaluations without a better model after which the run ends
 */
public record SelectionConfig(
        @Setting(
                value = "mean",
                help = "what the best model is chosen by: mean (of the tasks), TASK, TASK/SCORE or loss")
        String metric,

        @Setting(value = "256", help = "validation examples of a task, at most; 0: all of them")
        int examples,

        @Setting(value = "generate", help = "answers of tasks with labels: generate, or rank (the likeliest label)")
        Labels labels,

        @Setting(help = "how answers are written; by default greedily, as long as targets")
        Optional<GenerationConfig> generation,

        @Setting(value = "32", help = "examples that a rank answers together")
        int rows,

        @Setting(value = "0", help = "evaluations without a better model that end the run; 0: it runs to its last step")
        int patience) {
    /** The metric that needs no validation examples. */
    static final String LOSS = "loss";
    /** The metric over all tasks. */
    static final String MEAN = "mean";

    /** How tasks with a closed set of answers are answered. */
    public enum Labels {
        /** As any text is. */
        GENERATE,
        /** By the label that the model finds likeliest. */
        RANK
    }

    public SelectionConfig {
        Contradictions.none(found -> found.atLeast(0, "examples", examples)
                .atLeast(1, "rows", rows)
                .atLeast(0, "patience", patience)
                .check(!metric.isBlank(), "metric must be mean, loss, a task or TASK/SCORE"));
    }

    /** The same by another metric. */
    SelectionConfig with(String otherMetric) {
        return new SelectionConfig(otherMetric, examples, labels, generation, rows, patience);
    }

    /** Whether the held-out loss decides. */
    boolean byLoss() {
        return metric.equals(LOSS);
    }
}
