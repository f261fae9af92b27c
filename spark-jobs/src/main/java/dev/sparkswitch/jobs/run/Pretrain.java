package dev.sparkswitch.jobs.run;

import dev.sparkswitch.arrow.ShardLayout;
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

    /**
     * The settings of executors that follow from what a rank needs; empty where a card holds most of it, or where the shards or
     * settings are such that {@link #run} will refuse them.
     */
    public static Optional<ExecutorMemory> memory(Configuration hadoop, PretrainConfig config) {
        return ExecutorMemory.foreseen(config.engine(), () -> {
            ShardLayout layout = TrainingRun.layout(hadoop, config.shards() + "/train");
            return ExecutorMemory.of(
                    config.model(),
                    List.of(),
                    config.training(),
                    config.cluster(),
                    config.engine(),
                    layout.inputLength(),
                    layout.targetLength());
        });
    }

    /** Trains, or finds that it is done; see {@link TrainingRun#run}. */
    public static TrainingRun.Finished run(TrainingRun.SparkSource spark, Configuration hadoop, PretrainConfig config) {
        return TrainingRun.run(spark, hadoop, task(config));
    }

    /** What there is to train. */
    public static TrainingRun.Task task(PretrainConfig config) {
        return new TrainingRun.Task(
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
                List.of(),
                List.of());
    }
}
