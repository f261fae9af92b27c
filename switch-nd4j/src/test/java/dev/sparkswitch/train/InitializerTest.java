package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.collective.HostTensorCollectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class InitializerTest {
    private static final int WIDTH = 32;
    private static final int KEY = 16;
    private static final int INNER = 96;
    private static final double SCALE = 0.1;
    private static final double EMBEDDING = 0.5;
    /** The standard deviation of a normal distribution that is cut at two sigma. */
    private static final double CUT = 0.8796;

    private static final T5Config MODEL = T5Config.builder()
            .vocabularySize(101)
            .modelSize(WIDTH)
            .keySize(KEY)
            .heads(4)
            .feedForwardSize(INNER)
            .encoderLayers(2)
            .decoderLayers(2)
            .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(1, 1, 1, 1)))
            .build();

    private static Map<String, double[]> weights(long seed, int expertParallel, int rank) {
        Parallelism parallelism = new Parallelism(
                new ExpertPlacement(4, expertParallel, expertParallel),
                new HostTensorCollectives(
                        InProcessCollectives.world(expertParallel).get(rank)));
        Map<String, double[]> weights = new TreeMap<>();
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer model = new SwitchTransformer(engine, MODEL, parallelism)) {
            new Initializer(seed, SCALE, EMBEDDING).initialize(model);
            for (Parameter parameter : model.parameters().all()) {
                weights.put(parameter.spec().name(), model.download(parameter.value()));
            }
        }
        return weights;
    }

    private static double deviation(double[] values) {
        double mean = Arrays.stream(values).average().orElseThrow();
        return Math.sqrt(Arrays.stream(values)
                .map(value -> (value - mean) * (value - mean))
                .average()
                .orElseThrow());
    }

    private static void assertSigma(Map<String, double[]> weights, String name, double sigma) {
        double[] values = weights.get(name);
        double slack = 4 / Math.sqrt(2.0 * values.length);
        assertThat(deviation(values) / sigma).as(name).isCloseTo(CUT, within(CUT * slack));
        assertThat(Arrays.stream(values).average().orElseThrow() / sigma)
                .as("mean of " + name)
                .isCloseTo(0, within(4 / Math.sqrt(values.length)));
        assertThat(Arrays.stream(values).map(Math::abs).max().orElseThrow())
                .as("largest of " + name)
                .isLessThanOrEqualTo(2.000001 * sigma);
    }

    @Test
    void everyKindOfWeightHasItsSigmaAndNoneLiesPastTwo() {
        Map<String, double[]> weights = weights(5, 1, 0);
        assertSigma(weights, "shared.weight", EMBEDDING);
        String attention = "encoder.block.0.layer.0.SelfAttention";
        assertSigma(weights, attention + ".q.weight", Math.sqrt(SCALE / WIDTH / KEY));
        assertSigma(weights, attention + ".k.weight", Math.sqrt(SCALE / WIDTH));
        assertSigma(weights, attention + ".o.weight", Math.sqrt(SCALE / (4 * KEY)));
        assertSigma(weights, attention + ".relative_attention_bias.weight", 1 / Math.sqrt(WIDTH));
        assertSigma(weights, "decoder.block.0.layer.1.EncDecAttention.q.weight", Math.sqrt(SCALE / WIDTH / KEY));
        assertSigma(weights, "encoder.block.0.layer.1.mlp.wo.weight", Math.sqrt(SCALE / INNER));
        assertSigma(weights, "encoder.block.1.layer.1.mlp.router.classifier.weight", Math.sqrt(SCALE / WIDTH));
        assertSigma(weights, "encoder.block.1.layer.1.mlp.experts.expert_3.wi.weight", Math.sqrt(SCALE / WIDTH));
        assertSigma(weights, "encoder.block.1.layer.1.mlp.experts.expert_3.wo.weight", Math.sqrt(SCALE / INNER));
        assertThat(weights.get("encoder.final_layer_norm.weight")).containsOnly(1);
    }

    @Test
    void weightsAreTheSameOnEveryPlacement() {
        Map<String, double[]> alone = weights(5, 1, 0);
        assertThat(alone).hasSize(ParameterSpecs.of(MODEL).size());
        Map<String, double[]> together = new TreeMap<>();
        for (int rank = 0; rank < 4; rank++) {
            together.putAll(weights(5, 4, rank));
        }
        assertThat(together.keySet()).isEqualTo(alone.keySet());
        alone.forEach((name, values) -> assertThat(together.get(name)).as(name).isEqualTo(values));
    }

    @Test
    void aTensorOfManyPiecesHoldsAtEachPlaceWhatBelongsThere() {
        T5Config wide = MODEL.toBuilder().vocabularySize(140_001).build();
        Initializer initializer = new Initializer(5, SCALE, EMBEDDING);
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer model = new SwitchTransformer(
                        engine,
                        wide,
                        new Parallelism(
                                ExpertPlacement.single(4),
                                new HostTensorCollectives(
                                        InProcessCollectives.world(1).get(0))))) {
            initializer.initialize(model);

            for (Parameter parameter : model.parameters().all()) {
                LongToDoubleFunction expected = initializer.values(wide, parameter.spec());
                assertThat(model.download(parameter.value()))
                        .as(parameter.spec().name())
                        .isEqualTo(LongStream.range(0, parameter.value().size())
                                .mapToDouble(expected)
                                .toArray());
            }
        }
    }

    @Test
    void noTwoWeightsShareTheirNumbersAndSeedsDiffer() {
        Map<String, double[]> weights = weights(5, 1, 0);
        String layer = "encoder.block.1.layer.1.mlp.experts.expert_";
        assertThat(weights.get(layer + "0.wi.weight")).isNotEqualTo(weights.get(layer + "1.wi.weight"));
        assertThat(weights(6, 1, 0).get(layer + "0.wi.weight")).isNotEqualTo(weights.get(layer + "0.wi.weight"));
    }
}
