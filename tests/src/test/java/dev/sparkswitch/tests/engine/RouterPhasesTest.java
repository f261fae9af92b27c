package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Exploration;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every router does in training, in evaluation and in generation, in whole models. */
class RouterPhasesTest {
    private static final int VOCABULARY = 29;
    private static final int EXPERTS = 3;
    /** Rows of different lengths, so that some stand among padding. */
    private static final int[] LENGTHS = {2, 7, 4, 5};

    private static final int LONGEST = 7;
    private static final int TARGETS = 3;

    static Stream<RouterConfig> routers() {
        return Stream.of(
                RouterConfig.topK(1),
                new RouterConfig.TopK(2, Overflow.REROUTE, new Exploration.Sample()),
                new RouterConfig.TopP(0.6, 3, Overflow.DROP, new Exploration.InputDropout(0.3)),
                new RouterConfig.ExpertChoice(Exploration.JITTER),
                new RouterConfig.Hash());
    }

    private static final class Rig implements AutoCloseable {
        private final Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
        private final T5Config config;
        private final SwitchTransformer model;
        private final int[][] inputs = new int[LENGTHS.length][];
        private final int[][] labels = new int[LENGTHS.length][];

        Rig(RouterConfig router) {
            this(router, RouterPrecision.FLOAT32);
        }

        Rig(RouterConfig router, RouterPrecision precision) {
            Random random = new Random(5);
            int decoderLayers = router instanceof RouterConfig.ExpertChoice ? 0 : 1;
            config = T5Config.builder()
                    .vocabularySize(VOCABULARY)
                    .modelSize(6)
                    .keySize(3)
                    .heads(2)
                    .feedForwardSize(5)
                    .encoderLayers(2)
                    .decoderLayers(2)
                    .dropout(0)
                    .sparse(SwitchConfig.of(EXPERTS, 1, decoderLayers, CapacityConfig.group(2, 0.7, 0.9, 1)).toBuilder()
                            .router(router)
                            .routerPrecision(precision)
                            .expertDropout(0)
                            .build())
                    .build();
            model = new SwitchTransformer(
                    engine, config, new Parallelism(ExpertPlacement.single(EXPERTS), new SingleRank()));
            for (Parameter parameter : model.parameters().all()) {
                int count = (int) parameter.spec().count();
                ByteBuffer bytes = ByteBuffer.allocate(count * Double.BYTES).order(ByteOrder.nativeOrder());
                for (int i = 0; i < count; i++) {
                    bytes.putDouble(random.nextGaussian());
                }
                engine.upload(parameter.value(), bytes.flip());
            }
            for (int row = 0; row < LENGTHS.length; row++) {
                inputs[row] = random.ints(LENGTHS[row], 2, VOCABULARY).toArray();
                labels[row] = random.ints(TARGETS, 2, VOCABULARY).toArray();
            }
        }

        /** These rows, padded to {@code length}. */
        private Batch batch(int length, int... rows) {
            int[][] padded = new int[rows.length][];
            int[][] attention = new int[rows.length][length];
            int[][] targets = new int[rows.length][];
            for (int i = 0; i < rows.length; i++) {
                padded[i] = Arrays.copyOf(inputs[rows[i]], length);
                Arrays.fill(attention[i], 0, LENGTHS[rows[i]], 1);
                targets[i] = labels[rows[i]];
            }
            return Batch.upload(engine, HostBatch.padded(padded, attention, targets, config));
        }

        double[] logits(Phase phase, int length, int... rows) {
            try (Batch batch = batch(length, rows);
                    Tensor logits = model.logits(batch, phase)) {
                return model.download(logits);
            }
        }

        double dropped() {
            double dropped = 0;
            for (double[] sums : model.takeRoutingStatistics()) {
                dropped += sums[RoutingStatistics.DROPPED];
            }
            return dropped;
        }

        double[] trainingLosses(long seed) {
            try (Batch batch = batch(LONGEST, 0, 1, 2, 3)) {
                return model.train(batch, new StepSettings(seed, 1, 12, 2, 18, 12, 0, 0))
                        .values();
            }
        }

        @Override
        public void close() {
            model.close();
            engine.close();
        }
    }

    /** The largest of three probabilities in bfloat16 is a multiple of 2^-10, and so is a sum of such. */
    @Test
    void aModelsRoutersRoundWhereTheyAreToldTo() {
        assertThat(confidences(RouterPrecision.BF16)).allMatch(sum -> sum * 1024 % 1 == 0);
        assertThat(confidences(RouterPrecision.FLOAT32)).noneMatch(sum -> sum * 1024 % 1 == 0);
    }

    private static List<Double> confidences(RouterPrecision precision) {
        try (Rig rig = new Rig(RouterConfig.TOP_1, precision)) {
            rig.logits(Phase.EVALUATE, LONGEST, 0, 1, 2, 3);
            return rig.model.takeRoutingStatistics().stream()
                    .map(sums -> sums[RoutingStatistics.CONFIDENCE])
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("routers")
    void inGenerationARowDependsNeitherOnItsNeighboursNorOnPadding(RouterConfig router) {
        try (Rig rig = new Rig(router)) {
            double[] together = rig.logits(Phase.GENERATE, LONGEST, 0, 1, 2, 3);
            int perRow = TARGETS * VOCABULARY;
            for (int row = 0; row < LENGTHS.length; row++) {
                assertThat(rig.logits(Phase.GENERATE, LENGTHS[row], row))
                        .containsExactly(Arrays.copyOfRange(together, row * perRow, (row + 1) * perRow), within(1e-11));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("routers")
    void generationDropsNothingWhereTokensChooseAndEvaluationKeepsItsCapacity(RouterConfig router) {
        try (Rig rig = new Rig(router)) {
            rig.logits(Phase.GENERATE, LONGEST, 0, 1, 2, 3);
            double inGeneration = rig.dropped();
            rig.logits(Phase.EVALUATE, LONGEST, 0, 1, 2, 3);
            double inEvaluation = rig.dropped();
            if (!(router instanceof RouterConfig.ExpertChoice)) {
                assertThat(inGeneration).isZero();
            }
            assertThat(inEvaluation).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("routers")
    void onlyTrainingExplores(RouterConfig router) {
        try (Rig rig = new Rig(router);
                Rig plain = withoutExploration(router)) {
            assertThat(rig.trainingLosses(1)).isEqualTo(rig.trainingLosses(1));
            boolean explores = !(router instanceof RouterConfig.Hash);
            assertThat(Arrays.equals(rig.trainingLosses(1), rig.trainingLosses(2)))
                    .isEqualTo(!explores);
            for (Phase phase : List.of(Phase.EVALUATE, Phase.GENERATE)) {
                assertThat(rig.logits(phase, LONGEST, 0, 1)).isEqualTo(plain.logits(phase, LONGEST, 0, 1));
            }
        }
    }

    private static Rig withoutExploration(RouterConfig router) {
        Exploration none = new Exploration.Argmax();
        if (router instanceof RouterConfig.TopK top) {
            return new Rig(new RouterConfig.TopK(top.k(), top.overflow(), none));
        }
        if (router instanceof RouterConfig.TopP top) {
            return new Rig(new RouterConfig.TopP(top.p(), top.maxExperts(), top.overflow(), none));
        }
        return new Rig(router instanceof RouterConfig.ExpertChoice ? new RouterConfig.ExpertChoice(none) : router);
    }
}
