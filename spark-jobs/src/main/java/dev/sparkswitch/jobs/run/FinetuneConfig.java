package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.train.TrainingConfig;
import java.util.List;

/**
 * The settings of a fine-tuning run.
 *
 * @param from the model to begin with: a run, a checkpoint or a Hugging Face folder
 * @param vocabulary the folder of the vocabulary that the model was trained with
 * @param tasks what is learned; tasks are mixed in proportion to their examples
 * @param output the folder of the run
 * @param inputs tokens of an input row; longer inputs are cut
 * @param targets tokens of a target row; longer targets are cut
 * @param dropout dropout outside the experts
 * @param expertDropout dropout inside the experts
 * @param heldOut the share of the training examples on which the loss is measured
 * @param training how
 * @param cluster where
 * @param engine on what
 */
public record FinetuneConfig(
        @Setting(help = "model to begin with: a run, a checkpoint or a Hugging Face folder")
        String from,

        @Setting(help = "folder of the model's vocabulary") String vocabulary,

        @Setting(help = "what is learned, mixed in proportion to the examples")
        List<TaskSource> tasks,

        @Setting(help = "folder of the run") String output,

        @Setting(value = "512", help = "tokens of an input row; longer inputs are cut")
        int inputs,

        @Setting(value = "128", help = "tokens of a target row; longer targets are cut")
        int targets,

        @Setting(value = "0.1", help = "dropout outside the experts")
        double dropout,

        @Setting(value = "0.4", help = "dropout inside the experts")
        double expertDropout,

        @Setting(value = "0.02", help = "share of the examples on which the loss is measured")
        double heldOut,

        @Setting(help = "the training") TrainingConfig training,
        @Setting(help = "the ranks") ClusterSettings cluster,
        @Setting(help = "the engine") EngineSettings engine) {
    public FinetuneConfig {
        Contradictions.none(found -> found.check(!tasks.isEmpty(), "tasks must name at least one task")
                .atLeast(2, "inputs", inputs)
                .atLeast(2, "targets", targets)
                .fraction("dropout", dropout)
                .fraction("expert-dropout", expertDropout)
                .check(heldOut > 0 && heldOut < 1, "held-out " + heldOut + " must lie in (0, 1)"));
    }
}
