package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.model.Contradictions;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** Pre-training on shards of span corruption. */
public final class Pretrain {
    private Pretrain() {}

    /** @throws dev.sparkswitch.base.UserException naming all settings that contradict each other */
    public static void requireConsistent(PretrainConfig config) {
        Contradictions found = new Contradictions();
        TrainingRun.check(config.model(), config.training(), config.cluster(), found);
        found.raiseLines();
    }

    /** Trains, or finds that it is done; see {@link TrainingRun#run}. */
    public static TrainingRun.Finished run(TrainingRun.SparkSource spark, Configuration hadoop, PretrainConfig config) {
        return TrainingRun.run(
                spark,
                hadoop,
                new TrainingRun.Task(
                        "pretrain",
                        config.output(),
                        config.shards() + "/train",
                        Optional.of(config.shards() + "/heldout"),
                        config.initFrom(),
                        config.model(),
                        config.training(),
                        config.cluster(),
                        config.engine(),
                        Configs.toTree(config),
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of()));
    }
}
