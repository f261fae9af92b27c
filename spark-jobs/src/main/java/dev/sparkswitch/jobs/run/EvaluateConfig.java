package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.eval.task.Split;
import dev.sparkswitch.generate.GenerationConfig;
import java.util.List;

/**
 * The settings of an evaluation.
 *
 * @param from the model: a run, a checkpoint or a Hugging Face folder
 * @param vocabulary the folder of the model's vocabulary
 * @param tasks what is scored
 * @param output the folder for predictions, scores and report
 * @param inputs tokens of an input; longer ones are cut
 * @param generation how answers are written
 * @param rows examples that are answered together
 * @param seed of the bootstrap intervals
 * @param engine on what
 */
public record EvaluateConfig(
        @Setting(help = "model: a run, a checkpoint or a Hugging Face folder")
        String from,

        @Setting(help = "folder of the model's vocabulary") String vocabulary,
        @Setting(help = "what is scored") List<Source> tasks,

        @Setting(help = "folder for predictions, scores and report")
        String output,

        @Setting(value = "512", help = "tokens of an input; longer ones are cut")
        int inputs,

        @Setting(help = "how answers are written") GenerationConfig generation,

        @Setting(value = "32", help = "examples that are answered together")
        int rows,

        @Setting(value = "0", help = "seed of the bootstrap intervals")
        long seed,

        @Setting(help = "the engine") EngineSettings engine) {
    public EvaluateConfig {
        if (tasks.isEmpty()) {
            throw new IllegalArgumentException("tasks must name at least one task");
        }
        if (inputs < 2 || rows < 1) {
            throw new IllegalArgumentException("inputs must be at least 2, rows at least 1");
        }
    }

    /**
     * A task and where its official files lie.
     *
     * @param task its name, such as squad
     * @param path its file or folder
     * @param split the part that is scored
     */
    public record Source(
            @Setting(help = "name of the task, such as squad")
            String task,

            @Setting(help = "its file or folder, as downloaded")
            String path,

            @Setting(value = "validation", help = "train, validation or test")
            Split split) {}
}
