package dev.sparkswitch.tests.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.SafetensorsReader;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.generate.Greedy;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every case under {@code hf/} in float32 and float64: logits, losses, drops and gradients as Hugging Face has them. */
class HfParityTest {
    private static final double LOGITS = 1e-4;
    private static final double LOSS = 1e-5;
    private static final double GRADIENT = 1e-4;

    static Stream<Arguments> cases() {
        return Fixtures.cases("io.safetensors").stream()
                .flatMap(folder -> Stream.of(Precision.FLOAT64, Precision.FLOAT32)
                        .map(precision -> Arguments.of(folder.getFileName().toString(), precision, folder)));
    }

    /** A case: its configuration with the given router losses, its data, and a model that holds its weights. */
    private static final class Case implements AutoCloseable {
        private final T5Config config;
        private final JsonNode expected;
        private final SafetensorsReader data;
        private final Engine engine;
        private final SwitchTransformer model;
        private final HostBatch host;
        private final Batch batch;

        Case(Path folder, Precision precision, RouterLosses losses) throws Exception {
            this.expected =
                    new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
            this.config = configuration(folder, losses, expected);
            this.data = SafetensorsReader.open(folder.resolve("io.safetensors"));
            this.engine = new Nd4jEngine(precision, 1);
            int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
            this.model = new SwitchTransformer(
                    engine, config, new Parallelism(ExpertPlacement.single(experts), new SingleRank()));
            try (HuggingFaceFolder weights = HuggingFaceFolder.open(folder)) {
                ModelWeights.load(model, weights.parameters());
            }
            this.host = HostBatch.padded(matrix("input_ids"), matrix("attention_mask"), matrix("labels"), config);
            this.batch = Batch.upload(engine, host);
        }

        private int[][] matrix(String name) {
            int[] flat = data.integers(name);
            int rows = data.info(name).shape().get(0);
            int[][] matrix = new int[rows][flat.length / rows];
            for (int i = 0; i < flat.length; i++) {
                matrix[i / matrix[0].length][i % matrix[0].length] = flat[i];
            }
            return matrix;
        }

        int groups() {
            return config.sparse()
                    .map(sparse -> sparse.capacity().balanceGroups(host.rows()))
                    .orElse(1);
        }

        StepSettings step() {
            return new StepSettings(
                    0, 1, host.targetTokens(), groups(), host.routedInputs(), host.routedTargets(), 0, 0);
        }

        @Override
        public void close() {
            batch.close();
            model.close();
            engine.close();
            data.close();
        }
    }

    private enum RouterLosses {
        OFF,
        AS_EXPECTED
    }

    private static T5Config configuration(Path folder, RouterLosses losses, JsonNode expected) throws Exception {
        T5Config config;
        try (HuggingFaceFolder model = HuggingFaceFolder.open(folder)) {
            config = model.config();
        }
        if (config.sparse().isEmpty()) {
            return config.toBuilder().dropout(0).build();
        }
        SwitchConfig sparse = config.sparse().get();
        boolean on = losses == RouterLosses.AS_EXPECTED;
        return config.toBuilder()
                .dropout(0)
                .sparse(sparse.toBuilder()
                        .balanceLoss(on ? expected.get("alpha").asDouble() : 0)
                        .routerZLoss(on ? expected.get("z_coef").asDouble() : 0)
                        .expertDropout(0)
                        .build())
                .build();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void logitsEqual(String name, Precision precision, Path folder) throws Exception {
        try (Case c = new Case(folder, precision, RouterLosses.OFF);
                Tensor logits = c.model.logits(c.batch, Phase.EVALUATE)) {
            assertThat(c.model.download(logits)).containsExactly(c.data.doubles("logits"), within(LOGITS));
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void crossEntropyAndItsGradientsEqual(String name, Precision precision, Path folder) throws Exception {
        try (Case c = new Case(folder, precision, RouterLosses.OFF)) {
            assertThat(train(c)).isCloseTo(c.expected.get("cross_entropy").asDouble(), relative(LOSS));
            checkGradients(c, "grad/");
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void totalLossItsPartsAndItsGradientsEqual(String name, Precision precision, Path folder) throws Exception {
        try (Case c = new Case(folder, precision, RouterLosses.AS_EXPECTED)) {
            Assumptions.assumeTrue(c.config.sparse().isPresent(), "skipped: a dense model has no router losses");
            double crossEntropy = train(c);
            double balance = 0;
            double z = 0;
            List<double[]> layers = c.model.takeRoutingStatistics();
            for (int i = 0; i < layers.size(); i++) {
                double[] layer = layers.get(i);
                balance += layer[RoutingStatistics.BALANCE] / c.groups();
                z += layer[RoutingStatistics.Z] / layer[RoutingStatistics.ROUTED];
                String module = c.model.sparseLayerNames().get(i);
                JsonNode dropped = c.expected.at("/dropped/" + module);
                if (dropped.isNumber()) {
                    assertThat((long) layer[RoutingStatistics.DROPPED])
                            .as(module)
                            .isEqualTo(dropped.asLong());
                }
            }
            SwitchConfig sparse = c.config.sparse().get();
            double total = crossEntropy + sparse.balanceLoss() * balance + sparse.routerZLoss() * z;
            assertThat(balance).isCloseTo(number(c, "aux_loss_sum_over_layers"), relative(LOSS));
            assertThat(z).isCloseTo(number(c, "z_loss_sum_over_layers"), relative(LOSS));
            assertThat(total).isCloseTo(number(c, "total"), relative(LOSS));
            checkGradients(c, "gradtotal/");
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void greedyGenerationEqualsTokenForToken(String name, Precision precision, Path folder) throws Exception {
        try (Case c = new Case(folder, precision, RouterLosses.OFF)) {
            JsonNode wanted = c.expected.path("generate_greedy");
            Assumptions.assumeTrue(wanted.isArray(), "skipped: the case holds no generated tokens");
            int[][] found = Greedy.generate(c.model, c.host, wanted.get(0).size() - 1);
            for (int row = 0; row < found.length; row++) {
                for (int i = 0; i < found[row].length; i++) {
                    assertThat(found[row][i])
                            .as("row %s, token %s", row, i)
                            .isEqualTo(wanted.get(row).get(i + 1).asInt());
                }
            }
        }
    }

    private static double number(Case c, String field) {
        return c.expected.get(field).asDouble();
    }

    private static Percentage relative(double tolerance) {
        return Percentage.withPercentage(100 * tolerance);
    }

    /** One training pass; returns the mean cross-entropy. */
    private static double train(Case c) {
        c.model.parameters().resetGradients();
        try (Tensor losses = c.model.train(c.batch, c.step())) {
            double sum = 0;
            for (double loss : c.model.download(losses)) {
                sum += loss;
            }
            c.model.parameters().completeGradients();
            return sum / c.host.targetTokens();
        }
    }

    private static void checkGradients(Case c, String prefix) {
        Assumptions.assumeTrue(
                c.data.tensors().keySet().stream().anyMatch(key -> key.startsWith(prefix)),
                () -> "skipped: the case holds no gradients under " + prefix);
        List<String> wrong = new ArrayList<>();
        for (Parameter parameter : c.model.parameters().all()) {
            String name = parameter.spec().name();
            double[] wanted = c.data.doubles(prefix + name);
            double[] found = c.model.download(parameter.gradient());
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < wanted.length; i++) {
                difference += (wanted[i] - found[i]) * (wanted[i] - found[i]);
                norm += wanted[i] * wanted[i];
            }
            if (!(Math.sqrt(difference) <= GRADIENT * Math.sqrt(norm))) {
                wrong.add(name + ": " + Math.sqrt(difference / norm) + " (norm " + Math.sqrt(norm) + ")");
            }
        }
        assertThat(wrong).isEmpty();
    }
}
