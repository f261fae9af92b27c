package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Exploration;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Branches that are made again for the backward pass: the same gradients, bit for bit, in less memory. */
class RecomputationTest {
    private static final int ROWS = 8;
    private static final int VOCABULARY = 50;

    /** What a pass leaves. */
    private record Trace(double[] losses, Map<String, double[]> gradients, List<double[]> statistics, long bytes) {}

    static Stream<SwitchConfig> models() {
        SwitchConfig.Builder plain = SwitchConfig.of(4, 2, 2, CapacityConfig.group(2, 1.0, 1.0, 1)).toBuilder()
                .expertDropout(0.3);
        return Stream.of(
                plain.build(),
                plain.build().toBuilder().routerPrecision(RouterPrecision.BF16).build(),
                plain.router(new RouterConfig.TopP(
                                0.6, 3, dev.sparkswitch.engine.Overflow.DROP, new Exploration.InputDropout(0.2)))
                        .attention(AttentionForm.SWITCH)
                        .build(),
                plain.router(new RouterConfig.Hash()).build());
    }

    private static Trace train(SwitchConfig sparse, Recomputation recomputation) {
        T5Config config = T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(16)
                .keySize(8)
                .heads(4)
                .feedForwardSize(64)
                .encoderLayers(4)
                .decoderLayers(4)
                .dropout(0.1)
                .sparse(sparse)
                .build();
        Random random = new Random(3);
        int[][] inputs = new int[ROWS][];
        int[][] mask = new int[ROWS][32];
        int[][] labels = new int[ROWS][];
        for (int row = 0; row < ROWS; row++) {
            inputs[row] = random.ints(32, 2, VOCABULARY).toArray();
            Arrays.fill(mask[row], 1);
            labels[row] = random.ints(16, 2, VOCABULARY).toArray();
        }
        HostBatch host = HostBatch.padded(inputs, mask, labels, config);
        StepSettings step = new StepSettings(
                3,
                17,
                host.targetTokens(),
                ROWS / 2,
                host.routedInputs(),
                host.routedTargets(),
                0.1,
                1e-4,
                recomputation,
                0);
        try (Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
                SwitchTransformer model = new SwitchTransformer(
                        engine, config, new Parallelism(ExpertPlacement.single(sparse.experts()), new SingleRank()));
                Batch batch = Batch.upload(engine, host)) {
            new Initializer(11, 2, 1).initialize(model);
            long before = engine.memoryBytes();
            model.parameters().resetGradients();
            Reading losses = model.train(batch, step);
            model.parameters().completeGradients();
            Map<String, double[]> gradients = new HashMap<>();
            for (Parameter parameter : model.parameters().all()) {
                gradients.put(parameter.spec().name(), model.download(parameter.gradient()));
            }
            return new Trace(losses.values(), gradients, model.takeRoutingStatistics(), engine.memoryBytes() - before);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void theSameBitsInHalfTheMemory(SwitchConfig sparse) {
        Trace kept = train(sparse, Recomputation.NONE);
        Trace again = train(sparse, Recomputation.BRANCHES);

        assertThat(again.losses()).isEqualTo(kept.losses());
        assertThat(again.gradients().keySet()).isEqualTo(kept.gradients().keySet());
        kept.gradients()
                .forEach((name, values) ->
                        assertThat(again.gradients().get(name)).as(name).isEqualTo(values));
        assertThat(again.statistics()).usingRecursiveComparison().isEqualTo(kept.statistics());
        assertThat(again.bytes()).isLessThan(kept.bytes() / 2);
    }
}
