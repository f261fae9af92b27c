package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.EmulatedEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two ranks whose engines compute on cards, real or emulated, beside one: tokens exchanged with experts on the other card,
 * gradients summed. Tensors travel from card to card, on emulated cards that check that nobody touches them meanwhile, and by way
 * of the host.
 */
class CardWorldTest {
    private static final int ROWS = 4;
    private static final int STEPS = 2;
    private static final int INPUTS = 12;
    private static final int TARGETS = 7;
    private static final int VOCABULARY = 61;
    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(VOCABULARY)
            .modelSize(16)
            .keySize(4)
            .heads(4)
            .feedForwardSize(24)
            .encoderLayers(2)
            .decoderLayers(2)
            .dropout(0.1)
            .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.0, 2.0, 2)))
            .build();

    /** Losses and gradient norms by step, and the gradients of the first. */
    private record Trace(List<StepMetrics> steps, Map<String, double[]> gradients) {}

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.CardRanks#engines")
    void twoCardsTrainAsOneDoes(EngineCase engines) throws Exception {
        Trace one = train(engines, 1);
        Trace two = train(engines, 2);

        double loss = engines.precision() == Precision.BF16 ? 2e-2 : 1e-5;
        double gradient = engines.precision() == Precision.BF16 ? 5e-2 : 1e-5;
        for (int step = 0; step < STEPS; step++) {
            StepMetrics wanted = one.steps().get(step);
            assertThat(two.steps().get(step).loss()).isCloseTo(wanted.loss(), within(loss * wanted.loss()));
            assertThat(two.steps().get(step).gradientNorm())
                    .isCloseTo(wanted.gradientNorm(), within(gradient * wanted.gradientNorm()));
        }
        assertThat(two.gradients().keySet()).isEqualTo(one.gradients().keySet());
        one.gradients().forEach((name, wanted) -> {
            double[] found = two.gradients().get(name);
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < wanted.length; i++) {
                difference += (wanted[i] - found[i]) * (wanted[i] - found[i]);
                norm += wanted[i] * wanted[i];
            }
            assertThat(Math.sqrt(difference)).as(name).isLessThanOrEqualTo(gradient * Math.sqrt(norm));
        });
    }

    @Test
    void theNormIsTheSameWhereverItIsSummed() throws Exception {
        assumeTrue(EmulatedEngine.missing().isEmpty(), "skipped: the emulated card cannot be built");
        EngineCase reads = EngineCase.emulatedWithout("step-squares");
        EngineCase sums = EngineCase.emulatedWithout("");
        List<StepMetrics> wanted = train(reads, 2).steps();
        List<StepMetrics> found = train(sums, 2).steps();
        for (int step = 0; step < STEPS; step++) {
            double norm = wanted.get(step).gradientNorm();
            assertThat(found.get(step).gradientNorm()).isCloseTo(norm, within(1e-5 * norm));
            assertThat(found.get(step).loss()).isEqualTo(wanted.get(step).loss());
        }
    }

    private static Trace train(EngineCase engines, int ranks) throws Exception {
        Trace trace = new Trace(new ArrayList<>(), new ConcurrentHashMap<>());
        List<FutureTask<Void>> tasks = new ArrayList<>();
        for (InProcessCollectives host : InProcessCollectives.world(ranks)) {
            FutureTask<Void> task = new FutureTask<>(() -> rank(engines, host, trace), null);
            tasks.add(task);
            new Thread(task, "rank-" + host.rank()).start();
        }
        for (FutureTask<Void> task : tasks) {
            task.get();
        }
        return trace;
    }

    private static void rank(EngineCase engines, InProcessCollectives host, Trace trace) {
        try (Engine engine = engines.make(host.rank());
                Collectives collectives = Collectives.of(host, engine)) {
            int ranks = host.worldSize();
            Parallelism parallelism = new Parallelism(new ExpertPlacement(4, ranks, ranks), collectives);
            TrainingConfig config = Configs.load(
                    TrainingConfig.class,
                    JsonNodeFactory.instance.objectNode(),
                    List.of(
                            "rows=" + ROWS,
                            "steps=" + STEPS,
                            "bucket-bytes=4000",
                            "exchange-chunks=2",
                            "adafactor.min-factored-dim=8"));
            try (SwitchTransformer model = new SwitchTransformer(engine, MODEL, parallelism);
                    Optimizer optimizer =
                            Optimizer.of(engine, config, model.parameters().all())) {
                model.parameters().all().forEach(parameter -> fill(engine, parameter));
                TrainingStep step = new TrainingStep(model, parallelism, config, optimizer);
                for (int number = 1; number <= STEPS; number++) {
                    StepMetrics metrics = step.run(number, List.of(rows(number, host.rank(), ROWS / ranks)), 0, 0);
                    if (host.rank() == 0) {
                        trace.steps().add(metrics);
                    }
                    if (number == 1) {
                        for (Parameter parameter : model.parameters().all()) {
                            trace.gradients().put(parameter.spec().name(), model.download(parameter.gradient()));
                        }
                    }
                }
            }
        } catch (RuntimeException | Error e) {
            host.abort(e);
            throw e;
        } finally {
            host.close();
        }
    }

    /** Numbers that depend on the parameter's name alone, whichever rank holds it. */
    private static void fill(Engine engine, Parameter parameter) {
        Random random = new Random(parameter.spec().name().hashCode());
        Tensor value = parameter.value();
        ByteBuffer bytes =
                ByteBuffer.allocateDirect((int) value.size() * Float.BYTES).order(ByteOrder.nativeOrder());
        while (bytes.hasRemaining()) {
            bytes.putFloat((float) (0.3 * random.nextGaussian()));
        }
        engine.upload(value, bytes.flip());
    }

    /** A rank's rows of a step, as if cut out of all of them. */
    private static HostBatch rows(int step, int rank, int count) {
        int[][] inputs = new int[count][];
        int[][] attention = new int[count][INPUTS];
        int[][] targets = new int[count][];
        for (int row = 0; row < count; row++) {
            Random random = new Random(100L * step + (long) rank * count + row);
            inputs[row] = random.ints(INPUTS, 2, VOCABULARY).toArray();
            Arrays.fill(attention[row], 1);
            targets[row] = random.ints(TARGETS, 2, VOCABULARY).toArray();
        }
        return HostBatch.padded(inputs, attention, targets, MODEL).startingAt((long) rank * count);
    }
}
