package dev.sparkswitch.tests.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.collective.HostCollectives;
import dev.sparkswitch.collective.HostTensorCollectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tests.Curves;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that was cut off and taken up again by new ranks, against one that was not. Dropout, jitter and drops are on. */
class CheckpointResumeTest {
    private static final int STEPS = 20;
    private static final int EVERY = 5;
    private static final int NEVER = 0;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    /** The ranks of one submission. */
    private record World(Precision precision, int size, int expertParallel) {
        static World float32(int size) {
            return new World(Precision.FLOAT32, size, size);
        }
    }

    /** A rank that ends, as far as the trainer can tell, by no fault of its own. */
    private static final class PulledPlug extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Twice as many experts in the encoder as in the decoder, so that blocks of experts differ in size. */
    private static T5Config model() {
        return WorldEqualityTest.withExperts(8, 4);
    }

    private static TrainingConfig config() {
        return Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "steps=" + STEPS,
                        "rows=16",
                        "seed=7",
                        "checkpoint-every=" + EVERY,
                        "evaluate-every=4",
                        "held-out-rows=32",
                        "log-every=1",
                        "learning-rate.schedule=linear-decay",
                        "learning-rate.rate=0.05",
                        "learning-rate.warm-up=5",
                        "adafactor.min-factored-dim=8"));
    }

    /**
     * Submits the run in {@code run} once: from its newest sound checkpoint to the end, or until the plug is pulled after
     * step {@code lastStep}. Everything is built anew.
     *
     * @return every parameter at the end, by name; empty if it was cut off
     */
    private static Map<String, double[]> submit(Path run, World world, int lastStep) throws IOException {
        CheckpointStore store = store(run);
        int attempt = store.startAttempt();
        Optional<CheckpointRef> start = store.newestValid();
        List<InProcessCollectives> collectives = InProcessCollectives.world(world.size());
        List<RankOutcome<HashMap<String, double[]>>> outcomes = LocalRanks.run(
                world.size(),
                attempt,
                context -> {
                    HostCollectives own = collectives.get(context.rank());
                    try {
                        return train(context, run, world, attempt, start, own);
                    } catch (Exception | Error e) {
                        own.abort(e);
                        throw e;
                    }
                },
                status -> {
                    if (status.step() == lastStep) {
                        throw new PulledPlug();
                    }
                });
        Map<String, double[]> values = new HashMap<>();
        for (RankOutcome<HashMap<String, double[]>> outcome : outcomes) {
            if (lastStep == NEVER) {
                assertThat(outcome).isInstanceOf(RankOutcome.Success.class);
                values.putAll(((RankOutcome.Success<HashMap<String, double[]>>) outcome).value());
            } else {
                assertThat(outcome).isInstanceOf(RankOutcome.Failure.class);
            }
        }
        return values;
    }

    private static CheckpointStore store(Path run) throws IOException {
        return new CheckpointStore(
                FileSystem.getLocal(new Configuration(false)),
                new org.apache.hadoop.fs.Path(run.resolve("checkpoints").toUri()));
    }

    private static HashMap<String, double[]> train(
            RankContext context,
            Path run,
            World world,
            int attempt,
            Optional<CheckpointRef> start,
            HostCollectives collectives)
            throws IOException {
        Parallelism parallelism = new Parallelism(
                ExpertPlacement.of(model(), world.expertParallel(), world.size()),
                new HostTensorCollectives(collectives));
        Optional<MetricsLog> metrics = context.rank() > 0
                ? Optional.empty()
                : Optional.of(new MetricsLog(
                        FileSystem.getLocal(new Configuration(false)),
                        new org.apache.hadoop.fs.Path(run.toUri()),
                        start.map(CheckpointRef::step).orElse(0L)));
        try (Engine engine = new Nd4jEngine(world.precision(), 1);
                SwitchTransformer model = new SwitchTransformer(engine, model(), parallelism);
                RandomRows rows = new RandomRows(12, 7, WorldEqualityTest.VOCABULARY, 100);
                RandomRows heldOut = new RandomRows(12, 7, WorldEqualityTest.VOCABULARY, 40);
                Trainer trainer = new Trainer(
                        context,
                        model,
                        parallelism,
                        new TrainingJob(
                                config(),
                                attempt,
                                rows,
                                Optional.of(heldOut),
                                Optional.empty(),
                                store(run),
                                start,
                                Optional.empty(),
                                () -> Manifest.builder(Manifest.CHECKPOINT),
                                metrics))) {
            trainer.run();
            HashMap<String, double[]> values = new HashMap<>();
            for (Parameter parameter : model.parameters().all()) {
                values.put(parameter.spec().name(), model.download(parameter.value()));
            }
            return values;
        }
    }

    /** The lines of {@code metrics.jsonl} without what a clock says. */
    private static List<JsonNode> curve(Path run) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve(MetricsLog.NAME))) {
            lines.add(Curves.withoutTimes((ObjectNode) JSON.readTree(line)));
        }
        return lines;
    }

    private static void assertEachStepOnce(Path run) throws IOException {
        assertThat(curve(run).stream().map(line -> line.path("step").asLong()))
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, STEPS).boxed().toList());
    }

    private static void assertSameBits(Map<String, double[]> found, Map<String, double[]> wanted) {
        assertThat(found.keySet()).isEqualTo(wanted.keySet());
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
    }

    private static List<String> checkpoints(Path run) throws IOException {
        return store(run).committed().stream()
                .map(ref -> ref.folder().getName())
                .toList();
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2})
    void aRunTakenUpAgainHasTheSameCurveAndTheSameBits(int ranks) throws IOException {
        World world = World.float32(ranks);
        Path straight = folder.resolve("straight");
        Path cut = folder.resolve("cut");
        Map<String, double[]> wanted = submit(straight, world, NEVER);
        submit(cut, world, 13);
        assertThat(checkpoints(cut)).containsExactly("step-00000010-a0", "step-00000005-a0");

        Map<String, double[]> found = submit(cut, world, NEVER);

        assertSameBits(found, wanted);
        assertEachStepOnce(cut);
        assertThat(curve(cut)).isEqualTo(curve(straight));
        assertThat(checkpoints(cut)).containsExactly("step-00000020-a1", "step-00000015-a1");
    }

    @ParameterizedTest(name = "{0} ranks, experts over {1}")
    @CsvSource({"1, 1", "4, 4", "4, 2"})
    void whatTwoRanksSavedAnyNumberOfRanksTakesUp(int ranks, int expertParallel) throws IOException {
        Path straight = folder.resolve("straight");
        Path cut = folder.resolve("cut");
        World two = new World(Precision.FLOAT64, 2, 2);
        Map<String, double[]> wanted = submit(straight, two, NEVER);
        submit(cut, two, 10 + 1);

        Map<String, double[]> found = submit(cut, new World(Precision.FLOAT64, ranks, expertParallel), NEVER);

        WorldEqualityTest.assertClose(found, wanted, 1e-9);
        assertEachStepOnce(cut);
        List<JsonNode> curve = curve(cut);
        List<JsonNode> other = curve(straight);
        for (int step = 0; step < STEPS; step++) {
            for (String key : List.of("loss", "gradient-norm", "heldout-loss")) {
                double value = other.get(step).path(key).asDouble(1);
                assertThat(curve.get(step).path(key).asDouble(1) / value - 1)
                        .as(key + " of step " + (step + 1))
                        .isBetween(-1e-9, 1e-9);
            }
        }
    }

    @Test
    void aDamagedNewestCheckpointIsPassedOverForTheOneBefore() throws IOException {
        World world = World.float32(2);
        Path straight = folder.resolve("straight");
        Path cut = folder.resolve("cut");
        Map<String, double[]> wanted = submit(straight, world, NEVER);
        submit(cut, world, 13);
        Path file = cut.resolve("checkpoints/step-00000010-a0/dense.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 100] ^= 1;
        Files.write(file, bytes);
        assertThat(store(cut).newestValid()).map(CheckpointRef::step).contains(5L);

        Map<String, double[]> found = submit(cut, world, NEVER);

        assertSameBits(found, wanted);
        assertEachStepOnce(cut);
        assertThat(curve(cut)).isEqualTo(curve(straight));
    }

    @Test
    void aRunCutOffAgainAndAgainGetsToTheSameEnd() throws IOException {
        World world = World.float32(1);
        Path straight = folder.resolve("straight");
        Path cut = folder.resolve("cut");
        Map<String, double[]> wanted = submit(straight, world, NEVER);
        submit(cut, world, 3);
        submit(cut, world, 7);
        submit(cut, world, 8);
        submit(cut, world, 16);
        assertThat(checkpoints(cut)).containsExactly("step-00000015-a3", "step-00000010-a3");

        Map<String, double[]> found = submit(cut, world, NEVER);

        assertSameBits(found, wanted);
        assertEachStepOnce(cut);
        assertThat(curve(cut)).isEqualTo(curve(straight));
        assertThat(checkpoints(cut)).containsExactly("step-00000020-a4", "step-00000015-a3");
    }

    @Test
    void metricsSurviveAnEndBetweenTheOldFileAndTheNew() throws IOException {
        World world = World.float32(1);
        Path run = folder.resolve("run");
        submit(run, world, 13);
        Files.move(run.resolve(MetricsLog.NAME), run.resolve("." + MetricsLog.NAME + ".new"));

        submit(run, world, NEVER);

        assertEachStepOnce(run);
    }
}
