package dev.sparkswitch.tests.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.jobs.run.TrainingRun;
import dev.sparkswitch.tests.Curves;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The loss of an executor in the midst of a run on two of them, against the same run left alone. */
class KilledExecutorTest {
    private static final int STEPS = 24;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    static Path folder;

    private static SparkSession spark;

    @BeforeAll
    static void start() throws IOException {
        TinyShards.write(folder.resolve("shards"), 96, 61);
        spark = SparkSession.builder()
                .config(BarrierCluster.configure(SparkHome.localCluster(2, 1)))
                .getOrCreate();
    }

    @AfterAll
    static void stop() {
        spark.stop();
    }

    private static PretrainConfig config(String output) {
        String yaml = """
                shards: '%s'
                output: '%s'
                model:
                  vocabulary-size: 61
                  model-size: 64
                  key-size: 16
                  heads: 4
                  feed-forward-size: 128
                  encoder-layers: 2
                  decoder-layers: 2
                  sparse:
                    experts: 4
                    sparse-encoder-layers: 1
                    sparse-decoder-layers: 1
                    capacity: {group-rows: 4}
                training:
                  steps: %d
                  rows: 32
                  seed: 11
                  checkpoint-every: 6
                  evaluate-every: 8
                  held-out-rows: 32
                  log-every: 1
                  learning-rate: {warm-up: 10}
                cluster: {ranks: 2}
                """.formatted(folder.resolve("shards"), folder.resolve(output), STEPS);
        return Configs.load(
                PretrainConfig.class,
                new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)),
                "the test",
                List.of());
    }

    private static TrainingRun.Finished pretrain(String output, TrainingRun.SparkSource source) {
        return Pretrain.run(source, new Configuration(), config(output));
    }

    @Test
    void trainingGoesOnFromTheNewestCheckpointToTheSameEnd() throws IOException {
        TrainingRun.Finished undisturbed = pretrain("undisturbed", () -> spark);
        CompletableFuture<Void> kill = CompletableFuture.runAsync(KilledExecutorTest::killOneAfterTheFirstCheckpoint);

        TrainingRun.Finished killed = pretrain("killed", () -> spark);

        assertThat(kill).isCompleted();
        assertThat(killed.wasComplete()).isFalse();
        assertThat(killed.manifest().counts()).containsEntry("steps", (long) STEPS);
        List<JsonNode> restarts = lines("killed", true);
        assertThat(restarts).singleElement().satisfies(restart -> {
            assertThat(restart.path("event").asText()).isEqualTo("restart");
            assertThat(restart.path("step").asInt()).isIn(6, 12, 18);
            assertThat(restart.path("cause").asText()).matches("executor \\d+ lost \\(SIGKILL\\).*");
        });
        assertThat(lines("killed", false)).hasSize(STEPS).isEqualTo(lines("undisturbed", false));
        assertThat(lines("undisturbed", true)).isEmpty();
        assertThat(killed.manifest().property(TrainingRun.HELD_OUT_LOSS))
                .isEqualTo(undisturbed.manifest().property(TrainingRun.HELD_OUT_LOSS));
        assertThat(folder.resolve("killed/checkpoints/step-00000024-a1/manifest.json"))
                .exists();

        TrainingRun.Finished again = pretrain("killed", () -> {
            throw new AssertionError("a finished run needs no Spark");
        });
        assertThat(again.wasComplete()).isTrue();
        assertThat(again.manifest()).isEqualTo(killed.manifest());
    }

    private static void killOneAfterTheFirstCheckpoint() {
        Path manifest = folder.resolve("killed/checkpoints/step-00000006-a0/manifest.json");
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!Files.exists(manifest)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("there is no " + manifest + " after " + PATIENCE);
            }
            LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
        }
        ProcessHandle executor = ProcessHandle.current()
                .descendants()
                .filter(KilledExecutorTest::isExecutor)
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no executor among this process's children"));
        assertThat(executor.destroyForcibly()).isTrue();
    }

    private static boolean isExecutor(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
                    .contains("CoarseGrainedExecutorBackend");
        } catch (IOException e) {
            // It has ended meanwhile.
            return false;
        }
    }

    /** The lines of a run's metrics without what a clock says: the events, or the steps. */
    private static List<JsonNode> lines(String run, boolean events) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl"))) {
            ObjectNode tree = (ObjectNode) JSON.readTree(line);
            if (tree.has("event") == events) {
                lines.add(Curves.withoutTimes(tree));
            }
        }
        return lines;
    }
}
