package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Adafactor;
import dev.sparkswitch.train.AdafactorConfig;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.Optimizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole training runs of an engine, dropout on: long ones on a card, a few steps of a tiny model elsewhere. */
class TrainingRunTest {
    private static final double RATE = 0.01;

    /** How large a run is. */
    private record Size(
            int width, int experts, int vocabulary, int rows, int inputs, int targets, int steps, int window) {
        /** What a card does in some seconds. */
        static final Size LARGE = new Size(256, 8, 512, 16, 64, 32, 300, 50);

        static final Size TINY = new Size(32, 4, 40, 4, 12, 8, 6, 6);

        static Size of(EngineCase engineCase) {
            return engineCase.name().startsWith("cuda") ? LARGE : TINY;
        }

        T5Config model() {
            return T5Config.builder()
                    .vocabularySize(vocabulary)
                    .modelSize(width)
                    .keySize(width / 4)
                    .heads(4)
                    .feedForwardSize(2 * width)
                    .encoderLayers(2)
                    .decoderLayers(2)
                    .dropout(0.1)
                    .sparse(SwitchConfig.of(experts, 1, 1, CapacityConfig.group(2, 1.25, 2.0, 1)))
                    .build();
        }

        /** Rows of random tokens, whose targets are the inputs' first tokens, each plus one. */
        HostBatch batch(int step) {
            Random random = new Random(step);
            int[][] tokens = new int[rows][];
            int[][] mask = new int[rows][inputs];
            int[][] labels = new int[rows][targets];
            for (int row = 0; row < rows; row++) {
                tokens[row] = random.ints(inputs, 2, vocabulary - 1).toArray();
                Arrays.fill(mask[row], 1);
                for (int i = 0; i < targets; i++) {
                    labels[row][i] = tokens[row][i] + 1;
                }
            }
            return HostBatch.padded(tokens, mask, labels, model());
        }
    }

    /** The mean loss of each step, and every parameter at the end. */
    private record Run(List<Double> losses, List<double[]> parameters) {}

    private static Run run(EngineCase engineCase, Size size, int steps) {
        T5Config config = size.model();
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(size.experts()), new SingleRank());
        List<Double> losses = new ArrayList<>();
        List<double[]> parameters = new ArrayList<>();
        try (Engine engine = engineCase.make();
                SwitchTransformer model = new SwitchTransformer(engine, config, parallelism)) {
            new Initializer(5, 1, 1).initialize(model);
            try (Optimizer optimizer =
                    new Adafactor(engine, AdafactorConfig.T5, model.parameters().all())) {
                for (int step = 1; step <= steps; step++) {
                    losses.add(step(model, optimizer, size.batch(step), step));
                }
            }
            for (Parameter parameter : model.parameters().all()) {
                parameters.add(model.download(parameter.value()));
            }
        }
        return new Run(losses, parameters);
    }

    private static double step(SwitchTransformer model, Optimizer optimizer, HostBatch host, int step) {
        StepSettings settings = new StepSettings(
                5,
                step,
                host.targetTokens(),
                host.rows() / 2,
                host.routedInputs(),
                host.routedTargets(),
                0,
                0,
                Recomputation.NONE,
                0);
        double sum = 0;
        model.parameters().resetGradients();
        try (Batch batch = Batch.upload(model.engine(), host)) {
            for (double loss : model.train(batch, settings).values()) {
                sum += loss;
            }
        }
        model.parameters().completeGradients();
        optimizer.step(step, RATE);
        return sum / host.targetTokens();
    }

    private static double mean(List<Double> losses, int from, int to) {
        return losses.subList(from, to).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void theSameRunTwiceHasTheSameBits(EngineCase engineCase) {
        Size size = Size.of(engineCase);
        int steps = Math.min(size.steps(), size == Size.TINY ? 2 : 30);
        Run first = run(engineCase, size, steps);
        Run second = run(engineCase, size, steps);

        assertThat(second.losses()).isEqualTo(first.losses());
        for (int i = 0; i < first.parameters().size(); i++) {
            assertThat(second.parameters().get(i))
                    .as("parameter %d", i)
                    .isEqualTo(first.parameters().get(i));
        }
    }

    /** After some steps a card is given many operations at once. */
    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#cards")
    void graphsChangeNoBits(EngineCase engineCase) {
        Size size = Size.of(engineCase);
        int steps = size == Size.TINY ? 6 : 30;
        Run together = run(engineCase, size, steps);
        Run oneByOne = run(engineCase.without("graphs"), size, steps);

        assertThat(together.losses()).isEqualTo(oneByOne.losses());
        for (int i = 0; i < together.parameters().size(); i++) {
            assertThat(together.parameters().get(i))
                    .as("parameter %d", i)
                    .isEqualTo(oneByOne.parameters().get(i));
        }
    }

    /** Each engine that computes in bf16, or takes products in it, and itself in float32. */
    private record Pair(EngineCase narrow, EngineCase wide) {
        @Override
        public String toString() {
            return narrow + " beside " + wide;
        }
    }

    static Stream<Pair> pairs() {
        List<EngineCase> all = EngineCase.all().toList();
        return all.stream()
                .filter(narrow -> narrow.name().contains("BF16"))
                .map(narrow -> new Pair(
                        narrow,
                        all.stream()
                                .filter(wide ->
                                        wide.name().equals(narrow.name().replaceFirst("BF16(_PRODUCTS)?", "FLOAT32")))
                                .findFirst()
                                .orElseThrow()));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("pairs")
    void theLossInBf16StaysWithinAHundredthOfFloat32s(Pair pair) {
        Size size = Size.of(pair.narrow());
        List<Double> narrow = run(pair.narrow(), size, size.steps()).losses();
        List<Double> wide = run(pair.wide(), size, size.steps()).losses();

        for (int from = 0; from < size.steps(); from += size.window()) {
            double wanted = mean(wide, from, from + size.window());
            assertThat(mean(narrow, from, from + size.window()))
                    .as("steps %d to %d", from + 1, from + size.window())
                    .isCloseTo(wanted, within(0.01 * wanted));
        }
        assertThat(wide.get(wide.size() - 1)).as("the last loss").isLessThan(wide.get(0));
    }
}
