package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.corpus.Mixture;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import java.util.List;
import java.util.Optional;

/**
 * The settings of a fine-tuning run.
 *
 * @param from the model to begin with: a run, a checkpoint or a Hugging Face folder; empty for random weights
 * @param model what to train from random weights, where {@code from} is empty
 * @param vocabulary the folder of the vocabulary that the model was trained with
 * @param tasks what is learned
 * @param mixture how often each task is drawn from
 * @param output the folder of the run
 * @param inputs tokens of an input row; longer inputs are cut
 * @param targets tokens of a target row; longer targets are cut
 * @param dropout dropout outside the experts
 * @param expertDropout dropout inside the experts
 * @param heldOut the share of the training examples on which the loss is measured
 * @param selection how the best of the run's models is found
 * @param training how
 * @param cluster where
 * @param engine on what
 */
public record FinetuneConfig(
        @Setting(help = "model to begin with: a run, a checkpoint or a Hugging Face folder; null for random weights")
        Optional<String> from,

        @Setting(help = "the model to train from random weights, where from is null")
        Optional<T5Config> model,

        @Setting(help = "folder of the model's vocabulary") String vocabulary,

        @Setting(help = "what is learned") List<TaskSource> tasks,

        @Setting(value = "{rates: proportional}", help = "how often each task is drawn from")
        Mixture mixture,

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

        @Setting(value = "{}", help = "how the best model is found")
        SelectionConfig selection,

        @Setting(help = "the training") TrainingConfig training,
        @Setting(help = "the ranks") ClusterSettings cluster,
        @Setting(help = "the engine") EngineSettings engine) {
    public FinetuneConfig {
        Contradictions.none(found -> found.check(!tasks.isEmpty(), "tasks must name at least one task")
                .check(
                        from.isPresent() != model.isPresent(),
                        from.isPresent()
                                ? "from names a model and model says another: set from to null to train it from random weights"
                                : "from is null and model is not given: name a model to begin with or one to make")
                .atLeast(2, "inputs", inputs)
                .atLeast(2, "targets", targets)
                .fraction("dropout", dropout)
                .fraction("expert-dropout", expertDropout)
                .check(heldOut > 0 && heldOut < 1, "held-out " + heldOut + " must lie in (0, 1)"));
    }

    /** What of the tasks is used. */
    TaskData data() {
        return new TaskData(
                tasks,
                mixture,
                inputs,
                targets,
                heldOut,
                training.seed(),
                (long) training.steps() * training.rows(),
                selection);
    }
}
