package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import java.util.Optional;

/**
 * The settings of a pre-training run.
 *
 * @param shards the folder that {@code batch} made, with {@code train} and {@code heldout}
 * @param output the folder of the run
 * @param initFrom a run, a checkpoint or a Hugging Face folder whose weights a fresh run begins with
 * @param model what is trained
 * @param training how
 * @param cluster where
 * @param engine on what
 */
public record PretrainConfig(
        @Setting(help = "folder of the shards, as batch made it")
        String shards,

        @Setting(help = "folder of the run") String output,

        @Setting(help = "run, checkpoint or Hugging Face folder to begin with")
        Optional<String> initFrom,

        @Setting(help = "the model") T5Config model,
        @Setting(help = "the training") TrainingConfig training,
        @Setting(help = "the ranks") ClusterSettings cluster,
        @Setting(help = "the engine") EngineSettings engine) {}
