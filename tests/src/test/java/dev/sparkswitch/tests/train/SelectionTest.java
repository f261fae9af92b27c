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
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.tests.Curves;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.Selection;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import dev.sparkswitch.train.Validation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which of a run's models is its result, and when the run ends. */
class SelectionTest {
    private static final int NEVER = 0;
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    private static TrainingConfig config(int steps) {
        return Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "steps=" + steps,
                        "rows=8",
                        "seed=7",
                        "checkpoint-every=4",
                        "keep-checkpoints=1",
                        "evaluate-every=1",
                        "held-out-rows=16",
                        "log-every=1",
                        "learning-rate.rate=0.05",
                        "adafactor.min-factored-dim=8"));
    }

    private static CheckpointStore store(Path run) throws IOException {
        return new CheckpointStore(
                FileSystem.getLocal(new Configuration(false)),
                new org.apache.hadoop.fs.Path(run.resolve("checkpoints").toUri()));
    }

    /** Scores that do not hang on the model. */
    private static Validation scripted(double... values) {
        Iterator<Double> left = java.util.Arrays.stream(values).iterator();
        return (model, sum) -> measured(left.next());
    }

    private static Validation.Measurement measured(double value) {
        return new Validation.Measurement(value, new TreeMap<>(Map.of("task", value)));
    }

    /** A score of the weights that goes up and down while they are trained, the same for the same weights alone. */
    private static Validation ofWeights() {
        return (model, sum) -> {
            double[] weights = model.download(
                    model.parameters().named("encoder.final_layer_norm.weight").value());
            return measured(Math.sin(1e4 * weights[0]));
        };
    }

    /**
     * Submits the run once, from its newest checkpoint.
     *
     * @param lastStep the step after which the rank is lost, or {@link #NEVER}
     * @return steps done in all
     */
    private static long submit(Path run, int steps, Selection selection, int lastStep) throws IOException {
        CheckpointStore store = store(run);
        int attempt = store.startAttempt();
        Optional<CheckpointRef> start = store.newestValid();
        RankOutcome<Long> outcome = LocalRanks.run(
                        1, attempt, context -> train(context, run, steps, selection, attempt, start), status -> {
                            if (status.step() == lastStep) {
                                throw new IllegalStateException("the rank is lost");
                            }
                        })
                .get(0);
        if (lastStep != NEVER) {
            assertThat(outcome).isInstanceOf(RankOutcome.Failure.class);
            return lastStep;
        }
        assertThat(outcome).isInstanceOf(RankOutcome.Success.class);
        return ((RankOutcome.Success<Long>) outcome).value();
    }

    private static Long train(
            RankContext context, Path run, int steps, Selection selection, int attempt, Optional<CheckpointRef> start)
            throws IOException {
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(4), new SingleRank());
        MetricsLog metrics = new MetricsLog(
                FileSystem.getLocal(new Configuration(false)),
                new org.apache.hadoop.fs.Path(run.toUri()),
                start.map(CheckpointRef::step).orElse(0L));
        try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                SwitchTransformer model = new SwitchTransformer(engine, WorldEqualityTest.model(), parallelism);
                RandomRows rows = new RandomRows(12, 7, WorldEqualityTest.VOCABULARY, 100);
                RandomRows heldOut = new RandomRows(12, 7, WorldEqualityTest.VOCABULARY, 40);
                Trainer trainer = new Trainer(
                        context,
                        model,
                        parallelism,
                        new TrainingJob(
                                        config(steps),
                                        attempt,
                                        rows,
                                        Optional.of(heldOut),
                                        Optional.empty(),
                                        store(run),
                                        start,
                                        Optional.empty(),
                                        () -> Manifest.builder(Manifest.CHECKPOINT),
                                        Optional.of(metrics))
                                .with(Optional.of(selection), Optional.empty()))) {
            trainer.run();
            return trainer.step();
        }
    }

    private static List<Long> steps(Path run) throws IOException {
        return store(run).committed().stream().map(CheckpointRef::step).sorted().toList();
    }

    private static List<JsonNode> curve(Path run) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(run.resolve(MetricsLog.NAME))) {
            lines.add(Curves.withoutTimes((ObjectNode) JSON.readTree(line)));
        }
        return lines;
    }

    @Test
    void theBestModelIsKeptBesideTheNewest() throws IOException {
        Selection selection = new Selection(Optional.of(scripted(10, 30, 20, 30, 25, 5)), 0);

        assertThat(submit(folder, 6, selection, NEVER)).isEqualTo(6);

        // Of two equal ones the first stays.
        assertThat(store(folder).best().orElseThrow().step()).isEqualTo(2);
        assertThat(steps(folder)).containsExactly(2L, 6L);
        assertThat(curve(folder).stream()
                        .map(line -> line.path("scores").path("task").asDouble()))
                .containsExactly(10.0, 30.0, 20.0, 30.0, 25.0, 5.0);
    }

    @Test
    void theRunEndsWhenNothingHasBecomeBetterForLongEnough() throws IOException {
        Selection selection = new Selection(Optional.of(scripted(10, 30, 20, 30, 25, 99)), 3);

        assertThat(submit(folder, 50, selection, NEVER)).isEqualTo(5);

        assertThat(store(folder).best().orElseThrow().step()).isEqualTo(2);
        assertThat(steps(folder)).containsExactly(2L, 5L);
        // Submitted again it has nothing left to do.
        assertThat(submit(folder, 50, new Selection(Optional.of(scripted()), 3), NEVER))
                .isEqualTo(5);
    }

    @Test
    void withoutValidationTheHeldOutLossDecides() throws IOException {
        submit(folder, 12, new Selection(Optional.empty(), 0), NEVER);

        long best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (JsonNode line : curve(folder)) {
            double loss = line.path("heldout-loss").asDouble();
            if (loss < least) {
                least = loss;
                best = line.path("step").asLong();
            }
        }
        assertThat(store(folder).best().orElseThrow().step()).isEqualTo(best);
        assertThat(store(folder).best().orElseThrow().score()).hasValue(least);
    }

    @Test
    void aRunThatWasLostHasTheSameResultAndEndsAtTheSameStep() throws IOException {
        Path straight = folder.resolve("straight");
        Path cut = folder.resolve("cut");
        Selection selection = new Selection(Optional.of(ofWeights()), 6);
        long wanted = submit(straight, 60, selection, NEVER);
        assertThat(wanted).as("steps until nothing became better").isBetween(7L, 59L);

        submit(cut, 60, selection, 3);
        submit(cut, 60, selection, (int) wanted - 1);
        long found = submit(cut, 60, selection, NEVER);

        assertThat(found).isEqualTo(wanted);
        assertThat(curve(cut)).isEqualTo(curve(straight));
        CheckpointRef best = store(cut).best().orElseThrow();
        CheckpointRef other = store(straight).best().orElseThrow();
        assertThat(best.step()).isEqualTo(other.step());
        assertThat(best.score()).isEqualTo(other.score());
        byte[] bits = Files.readAllBytes(Path.of(best.folder().toUri()).resolve("dense.safetensors"));
        assertThat(bits)
                .isEqualTo(Files.readAllBytes(Path.of(other.folder().toUri()).resolve("dense.safetensors")));
    }
}
