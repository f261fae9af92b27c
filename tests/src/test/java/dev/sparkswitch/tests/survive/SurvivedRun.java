package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.tests.Curves;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** A pre-training run of a tiny model in float64 on two ranks, and what it leaves on disk. */
record SurvivedRun(Path shards, Path folder, int minRanks) {
    static final int STEPS = 120;
    static final int EVERY = 10;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofMinutes(6);

    String yaml() {
        return """
                shards: '%s'
                output: '%s'
                model:
                  vocabulary-size: 61
                  model-size: 16
                  key-size: 4
                  heads: 4
                  feed-forward-size: 24
                  encoder-layers: 2
                  decoder-layers: 2
                  dropout: 0.1
                  sparse:
                    experts: 4
                    sparse-encoder-layers: 1
                    sparse-decoder-layers: 1
                    capacity: {group-rows: 2}
                training:
                  steps: %d
                  rows: 16
                  seed: 11
                  checkpoint-every: %d
                  evaluate-every: 40
                  held-out-rows: 32
                  log-every: 1
                  learning-rate: {warm-up: 10}
                engine: {kind: nd4j, precision: float64}
                cluster: {ranks: 2, min-ranks: %d, memory-per-rank: 512MiB}
                """.formatted(shards, folder, STEPS, EVERY, minRanks);
    }

    PretrainConfig config() {
        return Configs.load(
                PretrainConfig.class,
                new ByteArrayInputStream(yaml().getBytes(StandardCharsets.UTF_8)),
                "the kill suite",
                List.of());
    }

    /** The names of the committed checkpoints. */
    List<String> checkpoints() {
        Path store = folder.resolve("checkpoints");
        if (!Files.isDirectory(store)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(store)) {
            return all.filter(checkpoint -> Files.exists(checkpoint.resolve("manifest.json")))
                    .map(checkpoint -> checkpoint.getFileName().toString())
                    .toList();
        } catch (IOException e) {
            // One was removed while they were listed.
            return List.of();
        }
    }

    void awaitFirstCheckpoint() {
        Processes.await("the first checkpoint of " + folder, PATIENCE, () -> !checkpoints()
                .isEmpty());
    }

    /**
     * Waits until the run is somewhere behind {@code step}: at most as long behind its checkpoint as the ten steps before took.
     *
     * @param part of that time, from 0 to 1
     */
    void awaitSomewhereBehind(int step, double part) {
        Processes.await("step " + (step - EVERY) + " of " + folder, PATIENCE, () -> newestStep() >= step - EVERY);
        double seconds = Processes.await("step " + step + " of " + folder, PATIENCE, () -> newestStep() >= step);
        LockSupport.parkNanos((long) (1e9 * part * seconds));
    }

    private int newestStep() {
        return checkpoints().stream()
                .mapToInt(name -> Integer.parseInt(name.substring("step-".length(), name.indexOf("-a"))))
                .max()
                .orElse(0);
    }

    /** Seconds until a later attempt than the first has a checkpoint of its own. */
    double secondsToRecover() {
        return Processes.await("a checkpoint of a later attempt of " + folder, PATIENCE, () -> checkpoints().stream()
                .anyMatch(name -> !name.endsWith("-a0")));
    }

    /** The lines of the run's metrics without what a clock says: the events, or the steps. */
    List<JsonNode> lines(boolean events) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("metrics.jsonl"))) {
            ObjectNode tree = (ObjectNode) JSON.readTree(line);
            if (tree.has("event") == events) {
                lines.add(Curves.withoutTimes(tree));
            }
        }
        return lines;
    }

    /** Every step once, bit for bit that of a run on as many ranks. */
    void assertSameCurve(SurvivedRun undisturbed) throws IOException {
        assertThat(lines(false)).hasSize(STEPS).isEqualTo(undisturbed.lines(false));
        assertThat(folder.resolve("manifest.json")).exists();
    }

    /** Every step once, as that of a run on another number of ranks but for rounding. */
    void assertCloseCurve(SurvivedRun undisturbed) throws IOException {
        List<JsonNode> found = lines(false);
        List<JsonNode> wanted = undisturbed.lines(false);
        assertThat(found).hasSize(STEPS);
        for (int step = 0; step < STEPS; step++) {
            assertThat(found.get(step).path("loss").asDouble()
                            / wanted.get(step).path("loss").asDouble())
                    .as("loss of step " + (step + 1))
                    .isBetween(1 - 1e-6, 1 + 1e-6);
        }
        assertThat(folder.resolve("manifest.json")).exists();
    }
}
