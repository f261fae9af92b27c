package dev.sparkswitch.tests.parity;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.generate.EarlyStopping;
import dev.sparkswitch.generate.GenerationConfig;
import dev.sparkswitch.generate.Generator;
import dev.sparkswitch.generate.Mode;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.PassSettings;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.tests.engine.EngineCase;
import dev.sparkswitch.tests.parity.ParityCase.RouterLosses;
import dev.sparkswitch.tests.parity.ParityTable.Measure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every case under {@code hf/} on every engine that runs here, float64 and float32: encoder output, logits, losses, drops,
 * gradients and generated tokens as Hugging Face has them. {@code target/parity.md} holds the largest errors.
 */
class HfParityTest {
    private static final double LOGITS = 1e-4;
    private static final double LOSS = 1e-5;
    private static final double GRADIENT = 1e-4;
    private static final ParityTable TABLE = new ParityTable();

    static Stream<Arguments> cases() {
        return Fixtures.cases("io.safetensors").stream().flatMap(folder -> EngineCase.all()
                .filter(engine -> engine.tolerance() < LOGITS && engine.threads() == 1)
                .map(engine -> Arguments.of(folder.getFileName() + ", " + engine, engine, folder)));
    }

    @AfterAll
    static void writeThePage() throws IOException {
        TABLE.write(Path.of("target/parity.md"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void encoderOutputAndLogitsEqual(String name, EngineCase engine, Path folder) throws Exception {
        try (ParityCase c = new ParityCase(folder, engine.make(), RouterLosses.OFF);
                Tensor encoded = c.model().encode(c.batch(), PassSettings.forwardOnly(Phase.EVALUATE));
                Tensor logits = c.model().logits(c.batch(), Phase.EVALUATE)) {
            check(
                    name,
                    Measure.ENCODER,
                    c.data().doubles("encoder_last_hidden_state"),
                    c.model().download(encoded));
            check(name, Measure.LOGITS, c.data().doubles("logits"), c.model().download(logits));
        }
    }

    private static void check(String name, Measure measure, double[] wanted, double[] found) {
        assertThat(found).hasSameSizeAs(wanted);
        double largest = 0;
        for (int i = 0; i < wanted.length; i++) {
            largest = Math.max(largest, Math.abs(wanted[i] - found[i]));
        }
        TABLE.error(name, measure, largest);
        assertThat(largest).as("%s", measure).isLessThanOrEqualTo(LOGITS);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void crossEntropyAndItsGradientsEqual(String name, EngineCase engine, Path folder) throws Exception {
        try (ParityCase c = new ParityCase(folder, engine.make(), RouterLosses.OFF)) {
            checkLoss(name, train(c), c.number("cross_entropy"));
            checkGradients(name, c, "grad/");
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void totalLossItsPartsAndItsGradientsEqual(String name, EngineCase engine, Path folder) throws Exception {
        try (ParityCase c = new ParityCase(folder, engine.make(), RouterLosses.AS_EXPECTED)) {
            Assumptions.assumeTrue(c.config().sparse().isPresent(), "skipped: a dense model has no router losses");
            SwitchConfig sparse = c.config().sparse().get();
            double crossEntropy = train(c);
            double balance = 0;
            double z = 0;
            for (double[] layer : checkDrops(name, c)) {
                balance += layer[RoutingStatistics.BALANCE] / c.balanceGroups();
                z += layer[RoutingStatistics.Z] / layer[RoutingStatistics.ROUTED];
            }
            double total = crossEntropy + sparse.balanceLoss() * balance + sparse.routerZLoss() * z;
            checkLoss(name, balance, c.number("aux_loss_sum_over_layers"));
            checkLoss(name, z, c.number("z_loss_sum_over_layers"));
            checkLoss(name, total, c.number("total"));
            checkGradients(name, c, "gradtotal/");
        }
    }

    /** The statistics of the sparse layers, whose capacities and dropped tokens are those of the case where it has them. */
    private static List<double[]> checkDrops(String name, ParityCase c) {
        List<double[]> layers = c.model().takeRoutingStatistics();
        SwitchConfig sparse = c.config().sparse().orElseThrow();
        int compared = 0;
        for (int i = 0; i < layers.size(); i++) {
            String module = c.model().sparseLayerNames().get(i);
            JsonNode dropped = c.expected().at("/dropped/" + module);
            if (dropped.isNumber()) {
                assertThat((long) layers.get(i)[RoutingStatistics.DROPPED])
                        .as(module)
                        .isEqualTo(dropped.asLong());
                compared++;
            }
            JsonNode capacity = c.expected().at("/capacity/" + module);
            if (capacity.isNumber()) {
                int width = module.startsWith("encoder.")
                        ? c.rows().inputLength()
                        : c.rows().targetLength();
                int groupTokens = sparse.capacity().rowsOfGroup() * width;
                assertThat(sparse.capacity(groupTokens, Phase.TRAIN)).as(module).isEqualTo(capacity.asInt());
                compared++;
            }
        }
        if (compared > 0) {
            TABLE.equal(name, Measure.DROPS, compared);
        }
        return layers;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void generationEqualsTokenForToken(String name, EngineCase engine, Path folder) throws Exception {
        try (ParityCase c = new ParityCase(folder, engine.make(), RouterLosses.OFF)) {
            Map<String, JsonNode> wanted = new TreeMap<>();
            c.expected().fields().forEachRemaining(field -> {
                if (field.getKey().startsWith("generate_")) {
                    wanted.put(field.getKey(), field.getValue());
                }
            });
            Assumptions.assumeTrue(!wanted.isEmpty(), "skipped: the case holds no generated tokens");
            wanted.forEach((key, tokens) -> checkWritten(c, key, tokens));
            TABLE.equal(name, Measure.WRITTEN, wanted.size() * c.rows().rows());
        }
    }

    /** The settings of a key such as {@code generate_beam4_lp0.6_early}; an unknown part of it is an error. */
    private static GenerationConfig settings(String key, int length) {
        Mode mode = Mode.GREEDY;
        int beams = 1;
        double penalty = 1;
        EarlyStopping stopping = EarlyStopping.FALSE;
        int ngram = 0;
        int least = 0;
        for (String part : key.substring("generate_".length()).split("_")) {
            Matcher found = Pattern.compile("([a-z]+?)(-?[0-9.]+)?").matcher(part);
            assertThat(found.matches()).as("%s of %s", part, key).isTrue();
            String value = found.group(2);
            switch (found.group(1)) {
                case "greedy" -> {}
                case "beam", "beams" -> {
                    mode = Mode.BEAM;
                    beams = Integer.parseInt(value);
                }
                case "lp" -> penalty = Double.parseDouble(value);
                case "early" -> stopping = EarlyStopping.TRUE;
                case "never" -> stopping = EarlyStopping.NEVER;
                case "ngram", "nrn" -> ngram = Integer.parseInt(value);
                case "min" -> least = Integer.parseInt(value);
                default -> throw new AssertionError("the test does not know what " + part + " of " + key + " means");
            }
        }
        return new GenerationConfig(mode, beams, penalty, stopping, 1, 0, 1, 0, ngram, least, length);
    }

    private static void checkWritten(ParityCase c, String key, JsonNode wanted) {
        GenerationConfig settings = settings(key, 17);
        int[][] found =
                Generator.generate(c.model(), c.rows(), new long[c.rows().rows()], settings);
        assertThat(found.length).isEqualTo(wanted.size());
        for (int row = 0; row < found.length; row++) {
            List<Integer> tokens = new ArrayList<>();
            for (int i = 1;
                    i < wanted.get(row).size() && !tokens.contains(c.config().eosId());
                    i++) {
                tokens.add(wanted.get(row).get(i).asInt());
            }
            assertThat(found[row])
                    .as("%s, row %s", key, row)
                    .containsExactly(tokens.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    private static void checkLoss(String name, double found, double wanted) {
        double error = Math.abs(found - wanted) / Math.abs(wanted);
        TABLE.error(name, Measure.LOSSES, error);
        assertThat(error).as("%s for %s", found, wanted).isLessThanOrEqualTo(LOSS);
    }

    /** One training pass; returns the mean cross-entropy. */
    private static double train(ParityCase c) {
        c.model().parameters().resetGradients();
        double sum = 0;
        for (double loss : c.model().train(c.batch(), c.step()).values()) {
            sum += loss;
        }
        c.model().parameters().completeGradients();
        return sum / c.rows().targetTokens();
    }

    private static void checkGradients(String name, ParityCase c, String prefix) {
        Assumptions.assumeTrue(
                c.data().tensors().keySet().stream().anyMatch(key -> key.startsWith(prefix)),
                () -> "skipped: the case holds no gradients under " + prefix);
        List<String> wrong = new ArrayList<>();
        for (Parameter parameter : c.model().parameters().all()) {
            double[] wanted = c.data().doubles(prefix + parameter.spec().name());
            double[] found = c.model().download(parameter.gradient());
            double difference = 0;
            double norm = 0;
            for (int i = 0; i < wanted.length; i++) {
                difference += (wanted[i] - found[i]) * (wanted[i] - found[i]);
                norm += wanted[i] * wanted[i];
            }
            // A gradient of nothing but zeros has to be met exactly.
            double error = difference == 0 ? 0 : Math.sqrt(difference / norm);
            TABLE.error(name, Measure.GRADIENTS, error);
            if (!(error <= GRADIENT)) {
                wrong.add(parameter.spec().name() + ": " + error + " (norm " + Math.sqrt(norm) + ")");
            }
        }
        assertThat(wrong).isEmpty();
    }
}
