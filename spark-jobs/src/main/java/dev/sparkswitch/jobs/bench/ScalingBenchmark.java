package dev.sparkswitch.jobs.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.EngineSettings;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.jobs.run.TrainingRun;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.TrainingConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.apache.hadoop.conf.Configuration;

/**
 * Weak scaling: pre-training runs, as {@code pretrain} does them, on several numbers of ranks, each rank with the same tokens
 * and experts. They take checkpoints as any run does.
 */
public final class ScalingBenchmark {
    /**
     * What is measured.
     *
     * @param ranks one run for each
     * @param rows a step, of each rank
     * @param inputLength input positions a row
     * @param targetLength target positions a row
     * @param warmUp steps before those that count
     * @param steps steps that count
     * @param checkpointEvery steps between checkpoints
     * @param optimizer the rule of the updates
     * @param exchangeChunks parts in which a rank's experts exchange tokens; 0 for as many as serve
     * @param bucketBytes bytes of gradients that ranks sum at a time; 0 for as many as serve
     * @param engine on what
     */
    public record Plan(
            List<Integer> ranks,
            int rows,
            int inputLength,
            int targetLength,
            int warmUp,
            int steps,
            int checkpointEvery,
            OptimizerKind optimizer,
            int exchangeChunks,
            int bucketBytes,
            EngineSettings engine) {
        public Plan {
            ranks = List.copyOf(ranks);
            List<Integer> worlds = ranks;
            Contradictions.none(found -> found.check(
                            !worlds.isEmpty() && worlds.stream().allMatch(world -> world >= 1),
                            "ranks " + worlds + " must name one number or more, each at least 1")
                    .atLeast(1, "batch", rows)
                    .atLeast(1, "inputs", inputLength)
                    .atLeast(1, "targets", targetLength)
                    .atLeast(1, "warm-up", warmUp)
                    .atLeast(1, "steps", steps)
                    .atLeast(1, "checkpoint-every", checkpointEvery)
                    .atLeast(0, "exchange-chunks", exchangeChunks)
                    .atLeast(0, "bucket-bytes", bucketBytes));
        }
    }

    private final Plan plan;
    private final Path folder;
    private final Configuration hadoop;

    /** @param folder for shards and runs */
    public ScalingBenchmark(Plan plan, Path folder, Configuration hadoop) {
        this.plan = plan;
        this.folder = folder;
        this.hadoop = hadoop;
    }

    /**
     * Measures, and prints lines as the runs end.
     *
     * @param model of one rank
     * @param cluster so many ranks
     * @param spark for a run
     */
    public void run(
            T5Config model,
            IntFunction<ClusterSettings> cluster,
            Function<PretrainConfig, TrainingRun.SparkSource> spark,
            PrintWriter out)
            throws IOException {
        Path shards = folder.resolve("shards");
        if (!Files.exists(shards)) {
            int rows = plan.rows() * Collections.max(plan.ranks());
            for (String box : List.of("train", "heldout")) {
                RandomShards.write(
                        hadoop,
                        new org.apache.hadoop.fs.Path(shards.resolve(box).toUri()),
                        rows,
                        plan.inputLength(),
                        plan.targetLength(),
                        model.vocabularySize());
            }
        }
        double first = Double.NaN;
        for (int ranks : plan.ranks()) {
            PretrainConfig config = config(scaled(model, ranks), cluster.apply(ranks), shards);
            DataBenchmark.delete(Path.of(config.output()));
            Pretrain.requireConsistent(config);
            Pretrain.run(spark.apply(config), hadoop, config);
            StepTimes times = StepTimes.of(
                    Files.readAllLines(Path.of(config.output(), MetricsLog.NAME)),
                    plan.warmUp(),
                    plan.checkpointEvery());
            double rate = plan.rows() * (plan.inputLength() + plan.targetLength()) / times.median();
            first = Double.isNaN(first) ? rate : first;
            print(out, config, times, rate, first);
        }
    }

    /** {@code model} with {@code times} as many experts. */
    private static T5Config scaled(T5Config model, int times) {
        return model.sparse()
                .map(sparse -> model.toBuilder()
                        .sparse(sparse.toBuilder()
                                .experts(times * sparse.experts())
                                .layerExperts(sparse.layerExperts().stream()
                                        .map(count -> times * count)
                                        .toList())
                                .build())
                        .build())
                .orElse(model);
    }

    private PretrainConfig config(T5Config model, ClusterSettings cluster, Path shards) {
        int steps = plan.warmUp() + plan.steps();
        TrainingConfig training = Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "rows=" + plan.rows() * cluster.ranks(),
                        "steps=" + steps,
                        "log-every=1",
                        "evaluate-every=" + steps,
                        "held-out-rows=" + plan.rows() * cluster.ranks(),
                        "checkpoint-every=" + plan.checkpointEvery(),
                        "learning-rate.rate=0.001",
                        "learning-rate.schedule=constant",
                        "divergence.explosion=0",
                        "exchange-chunks=" + plan.exchangeChunks(),
                        "bucket-bytes=" + plan.bucketBytes(),
                        "optimizer=" + plan.optimizer().name().toLowerCase(Locale.ROOT)));
        return new PretrainConfig(
                shards.toString(),
                folder.resolve("run-on-" + cluster.ranks()).toString(),
                Optional.empty(),
                model,
                training,
                cluster,
                plan.engine());
    }

    /** @param rate tokens a second of one rank, {@code first} that of the first run */
    private void print(PrintWriter out, PretrainConfig config, StepTimes times, double rate, double first) {
        int ranks = config.cluster().ranks();
        out.printf(
                Locale.ROOT,
                "%d %s, %,d parameters%s: %.1f ms a step (median of %d), %,.0f tokens/s, %,.0f of a rank, %.1f%% of"
                        + " the first run's%n",
                ranks,
                ranks == 1 ? "rank" : "ranks",
                ParameterSpecs.count(config.model()),
                config.model()
                        .sparse()
                        .map(sparse -> ", " + sparse.experts() + " experts")
                        .orElse(""),
                1e3 * times.median(),
                times.steps(),
                ranks * rate,
                rate,
                100 * rate / first);
        if (times.waits().isEmpty()) {
            out.println("  no checkpoint among these steps");
        } else {
            out.printf(
                    Locale.ROOT,
                    "  %d %s: training waited %.1f ms, %.3f%% of %d steps; with slower steps while it was written and all"
                            + " else that is uneven, %d steps took %.2f%% longer than as many median ones%n",
                    times.waits().size(),
                    times.waits().size() == 1 ? "checkpoint" : "checkpoints, each",
                    1e3 * times.meanWait(),
                    100 * times.waitShare(plan.checkpointEvery()),
                    plan.checkpointEvery(),
                    times.steps(),
                    100 * times.excessShare());
        }
        out.flush();
    }
}
