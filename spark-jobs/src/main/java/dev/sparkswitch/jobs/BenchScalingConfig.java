package dev.sparkswitch.jobs;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.jobs.bench.ScalingBenchmark;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.EngineSettings;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.OptimizerKind;
import java.util.List;
import java.util.Optional;

/**
 * The settings of {@code bench scaling}.
 *
 * @param model of one rank; more ranks train one with as many times its experts
 * @param engine on what
 * @param ranks one run for each
 * @param batch rows a step, of each rank
 * @param inputs input positions a row
 * @param targets target positions a row
 * @param warmUp steps before those that count
 * @param steps steps that count
 * @param checkpointEvery steps between checkpoints
 * @param optimizer the rule of the updates
 * @param exchangeChunks parts in which a rank's experts exchange tokens; 0 for as many as serve
 * @param bucketBytes bytes of gradients that ranks sum at a time; 0 for as many as serve
 * @param place where ranks run
 * @param coresPerRank cores of an executor that is started on this host
 * @param memoryPerRank its heap
 * @param folder where files go
 */
public record BenchScalingConfig(
        @Setting(help = "the model of one rank, or a file of conf/models; n ranks train one with n times its experts")
        T5Config model,

        @Setting(help = "the engine") EngineSettings engine,

        @Setting(value = "[1, 2]", help = "numbers of ranks, one run for each")
        List<Integer> ranks,

        @Setting(value = "16", help = "rows a step, of each rank")
        int batch,

        @Setting(value = "128", help = "input positions a row")
        int inputs,

        @Setting(value = "32", help = "target positions a row")
        int targets,

        @Setting(value = "50", help = "steps before those that count")
        int warmUp,

        @Setting(value = "200", help = "steps that count") int steps,

        @Setting(value = "200", help = "steps between checkpoints")
        int checkpointEvery,

        @Setting(value = "adafactor", help = "adafactor or adamw")
        OptimizerKind optimizer,

        @Setting(value = "0", help = "parts in which a rank's experts exchange tokens, at most one for each; 0 chooses")
        int exchangeChunks,

        @Setting(value = "0", help = "bytes of gradients that ranks sum at a time, beside the backward pass; 0 chooses")
        int bucketBytes,

        @Setting(value = "spark", help = "where ranks run: spark (executors), or host (this process, without Spark)")
        ClusterSettings.Place place,

        @Setting(value = "1", help = "cores of an executor, where executors are started on this host")
        int coresPerRank,

        @Setting(value = "1GiB", help = "heap of an executor, where executors are started on this host")
        DataSize memoryPerRank,

        @Setting(help = "folder for shards and checkpoints; left out: one that is removed at the end")
        Optional<String> folder) {

    ScalingBenchmark.Plan plan() {
        return new ScalingBenchmark.Plan(
                ranks,
                batch,
                inputs,
                targets,
                warmUp,
                steps,
                checkpointEvery,
                optimizer,
                exchangeChunks,
                bucketBytes,
                engine);
    }

    /** So many ranks, where they are to run. */
    ClusterSettings cluster(int worldSize) {
        return new ClusterSettings(place, worldSize, 0, 0, 1, Optional.empty(), 0, coresPerRank, memoryPerRank);
    }
}
