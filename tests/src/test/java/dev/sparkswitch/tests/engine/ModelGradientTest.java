package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.Embedding;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Exploration;
import dev.sparkswitch.model.FeedForward;
import dev.sparkswitch.model.Head;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.RouterConfig.ExpertChoice;
import dev.sparkswitch.model.RouterConfig.Hash;
import dev.sparkswitch.model.RouterConfig.TopK;
import dev.sparkswitch.model.RouterConfig.TopP;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tests.engine.CentralDifferences.Value;
import dev.sparkswitch.train.TokenBatches;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradient of every parameter of whole models against central differences of the step's loss, in float64. */
class ModelGradientTest {
    private static final int VOCABULARY = 23;
    private static final int ROWS = 4;

    private enum Noise {
        OFF(0, 0),
        ON(0.1, 0.2);

        private final double dropout;
        private final double experts;

        Noise(double dropout, double experts) {
            this.dropout = dropout;
            this.experts = experts;
        }
    }

    /** A model and how its step is taken. */
    private record Variant(String name, T5Config config, Packing packing, double labelSmoothing, double zLoss) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static T5Config.Builder model(Noise noise) {
        return T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(7)
                .keySize(3)
                .heads(3)
                .feedForwardSize(5)
                .encoderLayers(2)
                .decoderLayers(2)
                .relativeBuckets(6)
                .relativeMaxDistance(5)
                .dropout(noise.dropout);
    }

    private static SwitchConfig sparse(int experts, int choices, CapacityConfig capacity, Noise noise) {
        Exploration exploration =
                switch (noise) {
                    case OFF -> new Exploration.Argmax();
                    case ON -> new Exploration.InputJitter(0.05);
                };
        return sparse(experts, new RouterConfig.TopK(choices, Overflow.DROP, exploration), capacity, noise);
    }

    private static SwitchConfig sparse(int experts, RouterConfig router, CapacityConfig capacity, Noise noise) {
        // Where experts choose, a decoder would see what it is to write.
        int decoderLayers = router instanceof RouterConfig.ExpertChoice ? 0 : 1;
        return SwitchConfig.of(experts, 1, decoderLayers, capacity).toBuilder()
                .router(router)
                .balanceLoss(0.5)
                .routerZLoss(0.1)
                .expertDropout(noise.experts)
                .build();
    }

    private static Variant routed(String name, int experts, RouterConfig router, CapacityConfig capacity) {
        return new Variant(
                name,
                model(Noise.ON)
                        .sparse(sparse(experts, router, capacity, Noise.ON))
                        .build(),
                Packing.NONE,
                0,
                0);
    }

    private static Variant beyond(
            String name,
            int experts,
            int choices,
            List<Integer> widths,
            AttentionForm attention,
            CapacityConfig capacity,
            Noise noise) {
        return new Variant(
                name,
                model(noise)
                        .sparse(sparse(experts, choices, capacity, noise).toBuilder()
                                .expertWidths(widths)
                                .attention(attention)
                                .build())
                        .build(),
                Packing.SEGMENTS,
                0,
                0);
    }

    static Stream<Variant> variants() {
        CapacityConfig ample = CapacityConfig.group(1, 9, 9, 4);
        CapacityConfig tight = CapacityConfig.group(2, 0.8, 1, 1);
        T5Config.Builder quiet = model(Noise.OFF);
        T5Config.Builder noisy = model(Noise.ON);
        return Stream.of(
                new Variant("dense", quiet.build(), Packing.NONE, 0, 0),
                new Variant(
                        "dense, gated, untied, noise, smoothing, z-loss",
                        noisy.feedForward(FeedForward.GATED_GELU)
                                .head(Head.UNTIED)
                                .build(),
                        Packing.NONE,
                        0.1,
                        0.01),
                new Variant(
                        "dense, an embedding a stack",
                        model(Noise.ON)
                                .head(Head.UNTIED)
                                .embedding(Embedding.PER_STACK)
                                .build(),
                        Packing.SEGMENTS,
                        0,
                        0),
                new Variant(
                        "top-1",
                        model(Noise.OFF).sparse(sparse(3, 1, ample, Noise.OFF)).build(),
                        Packing.NONE,
                        0,
                        0),
                new Variant(
                        "top-1, drops, noise",
                        model(Noise.ON).sparse(sparse(3, 1, tight, Noise.ON)).build(),
                        Packing.NONE,
                        0.1,
                        0.01),
                new Variant(
                        "top-1, drops, noise, packed",
                        model(Noise.ON).sparse(sparse(5, 1, tight, Noise.ON)).build(),
                        Packing.SEGMENTS,
                        0,
                        0),
                new Variant(
                        "top-2, gated, untied",
                        model(Noise.OFF)
                                .feedForward(FeedForward.GATED_GELU)
                                .head(Head.UNTIED)
                                .sparse(sparse(5, 2, ample, Noise.OFF))
                                .build(),
                        Packing.NONE,
                        0,
                        0),
                new Variant(
                        "top-2, drops, noise, gated",
                        model(Noise.ON)
                                .feedForward(FeedForward.GATED_GELU)
                                .sparse(sparse(5, 2, tight, Noise.ON))
                                .build(),
                        Packing.SEGMENTS,
                        0.1,
                        0.01),
                new Variant(
                        "top-1, capacity a sequence, padding routed",
                        model(Noise.ON)
                                .sparse(sparse(3, 1, CapacityConfig.perSequence(2), Noise.ON))
                                .build(),
                        Packing.NONE,
                        0,
                        0),
                new Variant(
                        "top-3 of 3, one slot",
                        model(Noise.ON)
                                .sparse(sparse(3, 3, CapacityConfig.perSequence(1), Noise.ON))
                                .build(),
                        Packing.NONE,
                        0,
                        0),
                routed("top-1, sampled", 3, new TopK(1, Overflow.DROP, new Exploration.Sample()), tight),
                routed("top-2, sampled, rerouted", 5, new TopK(2, Overflow.REROUTE, new Exploration.Sample()), tight),
                routed("top-1, input dropout", 3, new TopK(1, Overflow.DROP, new Exploration.InputDropout(0.2)), tight),
                routed("top-1, rerouted", 3, new TopK(1, Overflow.REROUTE, Exploration.JITTER), tight),
                routed("top-3, rerouted", 5, new TopK(3, Overflow.REROUTE, new Exploration.Argmax()), tight),
                routed("top-p", 5, new TopP(0.5, 3, Overflow.DROP, new Exploration.Argmax()), ample),
                routed("top-p, drops, jitter", 5, new TopP(0.6, 3, Overflow.DROP, Exploration.JITTER), tight),
                routed(
                        "top-p, rerouted, sampled",
                        5,
                        new TopP(0.6, 3, Overflow.REROUTE, new Exploration.Sample()),
                        tight),
                routed("expert choice", 3, new ExpertChoice(new Exploration.Argmax()), tight),
                routed("expert choice, input dropout", 5, new ExpertChoice(new Exploration.InputDropout(0.2)), ample),
                routed(
                        "expert choice, a sequence",
                        3,
                        new ExpertChoice(Exploration.JITTER),
                        CapacityConfig.perSequence(2)),
                routed("hash", 3, new Hash(), ample),
                routed("hash, drops", 5, new Hash(), tight),
                beyond("two widths", 4, 1, List.of(3, 3, 6, 6), AttentionForm.DENSE, ample, Noise.OFF),
                beyond(
                        "three widths, drops, noise",
                        5,
                        2,
                        List.of(4, 2, 2, 6, 4),
                        AttentionForm.DENSE,
                        tight,
                        Noise.ON),
                beyond("experts in attention", 3, 1, List.of(), AttentionForm.SWITCH, ample, Noise.OFF),
                beyond("experts in attention, drops, noise", 3, 1, List.of(), AttentionForm.SWITCH, tight, Noise.ON),
                beyond(
                        "two widths, attention, top-2",
                        4,
                        2,
                        List.of(3, 3, 5, 5),
                        AttentionForm.SWITCH,
                        tight,
                        Noise.ON),
                new Variant(
                        "one expert",
                        model(Noise.OFF).sparse(sparse(1, 1, tight, Noise.OFF)).build(),
                        Packing.NONE,
                        0,
                        0));
    }

    /** A model with random weights and a batch for it. */
    private static final class Rig implements AutoCloseable {
        private final Variant variant;
        private final Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
        private final SwitchTransformer model;
        private final HostBatch host;
        private final Batch batch;
        private final List<double[]> values = new ArrayList<>();

        Rig(Variant variant) {
            Random random = new Random(variant.name().hashCode());
            this.variant = variant;
            int experts = variant.config().sparse().map(SwitchConfig::experts).orElse(1);
            this.model = new SwitchTransformer(
                    engine, variant.config(), new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
            for (Parameter parameter : model.parameters().all()) {
                ParameterSpec spec = parameter.spec();
                double[] weights = new double[(int) spec.count()];
                for (int i = 0; i < weights.length; i++) {
                    weights[i] = switch (spec.kind()) {
                        case NORM -> 1 + 0.3 * random.nextGaussian();
                        case EMBEDDING, HEAD, RELATIVE_BIAS -> random.nextGaussian();
                        case PROJECTION -> random.nextGaussian() / Math.sqrt(spec.fanIn());
                    };
                }
                values.add(weights);
            }
            this.host = batch(variant, random);
            this.batch = Batch.upload(engine, host);
        }

        private static int[] tokens(Random random, int length) {
            return random.ints(length, 2, VOCABULARY).toArray();
        }

        /** Rows of different lengths; a packed row holds two examples, and the last row is the shortest there is. */
        private static HostBatch batch(Variant variant, Random random) {
            List<List<int[]>> inputs = new ArrayList<>();
            List<List<int[]>> targets = new ArrayList<>();
            for (int r = 0; r < ROWS; r++) {
                boolean last = r == ROWS - 1;
                int length = last ? 1 : 4 + r;
                switch (variant.packing()) {
                    case NONE -> {
                        inputs.add(List.of(tokens(random, length)));
                        targets.add(List.of(tokens(random, last ? 1 : 3 + r)));
                    }
                    case SEGMENTS -> {
                        inputs.add(List.of(tokens(random, length / 2 + 1), tokens(random, 3)));
                        targets.add(List.of(tokens(random, 2), tokens(random, last ? 1 : 3)));
                    }
                }
            }
            try (TokenBatch tokens =
                    TokenBatch.ofPacked(new ShardLayout(7, 5, variant.packing()), 1001, inputs, targets)) {
                return TokenBatches.toHost(tokens, variant.config());
            }
        }

        private int groups() {
            return variant.config()
                    .sparse()
                    .map(sparse -> sparse.capacity().balanceGroups(ROWS))
                    .orElse(1);
        }

        /** Runs a training pass with the weights as they stand in {@link #values}: the step's whole loss. */
        Value train() {
            List<Parameter> parameters = model.parameters().all();
            for (int p = 0; p < parameters.size(); p++) {
                ByteBuffer bytes =
                        ByteBuffer.allocate(values.get(p).length * Double.BYTES).order(ByteOrder.nativeOrder());
                bytes.asDoubleBuffer().put(values.get(p));
                engine.upload(parameters.get(p).value(), bytes);
            }
            model.parameters().resetGradients();
            StepSettings step = new StepSettings(
                    3,
                    17,
                    host.targetTokens(),
                    groups(),
                    host.routedInputs(),
                    host.routedTargets(),
                    variant.labelSmoothing(),
                    variant.zLoss());
            double loss = Arrays.stream(model.train(batch, step).values()).sum() / host.targetTokens();
            model.parameters().completeGradients();
            StringBuilder choice = new StringBuilder();
            List<double[]> statistics = model.takeRoutingStatistics();
            for (int layer = 0; layer < statistics.size(); layer++) {
                double[] sums = statistics.get(layer);
                boolean encoder = model.sparseLayerNames().get(layer).startsWith("encoder.");
                SwitchConfig sparse = variant.config().sparse().orElseThrow();
                loss += sparse.balanceLoss() * sums[RoutingStatistics.BALANCE] / groups();
                loss += sparse.routerZLoss()
                        * sums[RoutingStatistics.Z]
                        / (encoder ? host.routedInputs() : host.routedTargets());
                choice.append((int) sums[RoutingStatistics.DROPPED]);
                choice.append(Arrays.toString(Arrays.copyOfRange(
                        sums, RoutingStatistics.DEMAND, RoutingStatistics.entropy(sparse.experts()))));
            }
            return new Value(loss, choice.toString());
        }

        List<double[]> gradients() {
            return model.parameters().all().stream()
                    .map(parameter -> model.download(parameter.gradient()))
                    .toList();
        }

        @Override
        public void close() {
            batch.close();
            model.close();
            engine.close();
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void everyParametersGradientIsThatOfTheLoss(Variant variant) {
        try (Rig rig = new Rig(variant)) {
            rig.train();
            List<double[]> gradients = rig.gradients();
            CentralDifferences differences = new CentralDifferences(variant.name(), 3, rig::train);
            List<Parameter> parameters = rig.model.parameters().all();
            for (int p = 0; p < parameters.size(); p++) {
                differences.check(parameters.get(p).spec().name(), rig.values.get(p), gradients.get(p));
            }
            differences.done();
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void aSecondStepAllocatesNothing(Variant variant) {
        try (Rig rig = new Rig(variant)) {
            Value first = rig.train();
            long bytes = rig.engine.memoryBytes();
            List<double[]> gradients = rig.gradients();
            Value second = rig.train();
            assertThat(second).isEqualTo(first);
            assertThat(rig.engine.memoryBytes()).isEqualTo(bytes);
            List<double[]> again = rig.gradients();
            for (int p = 0; p < gradients.size(); p++) {
                assertThat(again.get(p)).isEqualTo(gradients.get(p));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void aRouterWithoutAnOpinionHasAFiniteGradient(Variant variant) {
        try (Rig rig = new Rig(variant)) {
            List<Parameter> parameters = rig.model.parameters().all();
            for (int p = 0; p < parameters.size(); p++) {
                if (parameters.get(p).spec().name().contains(".router.")) {
                    Arrays.fill(rig.values.get(p), 0);
                }
            }
            assertThat(rig.train().value()).isFinite();
            for (double[] gradient : rig.gradients()) {
                assertThat(Arrays.stream(gradient).allMatch(Double::isFinite)).isTrue();
            }
        }
    }
}
