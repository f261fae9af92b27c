package dev.sparkswitch.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.FeedForward;
import dev.sparkswitch.model.Head;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class UpcyclingTest {
    private static final Initializer INITIALIZER = new Initializer(5, 0.1, 1);

    @TempDir
    Path folder;

    private ModelSource dense(T5Config config) {
        return Converted.checkpoint(Converted.random(config), folder.resolve("dense"), Converted.UNLIMITED);
    }

    private ModelSource upcycled(T5Config dense, UpcycleConfig settings, String name) {
        return Converted.checkpoint(
                Upcycling.upcycle(Converted.random(dense), settings, INITIALIZER, 7), folder.resolve(name), 9_000);
    }

    /** The name that a sparse model's parameter had in the dense one. */
    private static String denseName(String name) {
        return name.replaceFirst("\\.mlp(\\.experts\\.expert_\\d+)?\\.", ".DenseReluDense.");
    }

    @ParameterizedTest
    @EnumSource
    void everyExpertIsTheDenseLayerAndEverythingElseStays(FeedForward form) {
        T5Config config = Converted.dense().toBuilder().feedForward(form).build();
        try (ModelSource dense = dense(config);
                ModelSource sparse = upcycled(config, Converted.upcycle(4, 1, 0), "sparse")) {
            Map<String, double[]> before = Converted.values(dense);
            Map<String, double[]> after = new TreeMap<>(Converted.values(sparse));

            assertThat(after).containsKeys("encoder.block.1.layer.1.mlp.experts.expert_3.wo.weight");
            assertThat(after.keySet().stream().filter(name -> name.contains(".expert_")))
                    .hasSize(3 * 4 * (form == FeedForward.RELU ? 2 : 3));
            after.keySet().removeIf(name -> name.contains(".router."));
            assertThat(after).allSatisfy((name, values) -> assertThat(values).isEqualTo(before.get(denseName(name))));
            assertThat(after.keySet().stream().map(UpcyclingTest::denseName)).containsAll(before.keySet());
        }
    }

    /** Gates of two choices add up to one; a single expert's probability is one. */
    @ParameterizedTest
    @CsvSource({"1, 1", "4, 2", "3, 3"})
    void withoutDropsTheFunctionIsTheDenseModels(int experts, int choices) {
        try (ModelSource dense = dense(Converted.dense());
                ModelSource sparse = upcycled(Converted.dense(), Converted.upcycle(experts, choices, 0), "sparse")) {
            assertThat(Converted.logits(sparse)).containsExactly(Converted.logits(dense), within(1e-9));
        }
    }

    @Test
    void expertsInAttentionAreCopiesTooAndTheFunctionStays() {
        UpcycleConfig settings = new UpcycleConfig(
                4,
                Optional.empty(),
                Optional.empty(),
                RouterConfig.topK(2),
                Converted.ample(),
                AttentionForm.SWITCH,
                0);
        try (ModelSource dense = dense(Converted.dense());
                ModelSource sparse = upcycled(Converted.dense(), settings, "sparse")) {
            for (String matrix : List.of("q", "k", "v", "o")) {
                assertThat(sparse.parameters()
                                .doubles(
                                        "decoder.block.1.layer.0.SelfAttention.experts.expert_3." + matrix + ".weight"))
                        .isEqualTo(dense.parameters()
                                .doubles("decoder.block.1.layer.0.SelfAttention." + matrix + ".weight"));
            }
            assertThat(Converted.logits(sparse)).containsExactly(Converted.logits(dense), within(1e-9));
        }
    }

    /** With one expert a token the layer's result is the dense one times the router's probability, which is below one. */
    @Test
    void theGateOfASingleChoiceScalesTheSparseLayers() {
        try (ModelSource dense = dense(Converted.dense());
                ModelSource top1 = upcycled(Converted.dense(), Converted.upcycle(4, 1, 0), "top1")) {
            double[] wanted = Converted.logits(dense);
            double[] found = Converted.logits(top1);
            double difference = 0;
            for (int i = 0; i < wanted.length; i++) {
                difference = Math.max(difference, Math.abs(wanted[i] - found[i]));
            }
            assertThat(difference).isGreaterThan(0.01);
        }
    }

    @Test
    void noiseIsRelativeToTheWeightsAndDiffersAmongExperts() {
        try (ModelSource plain = upcycled(Converted.dense(), Converted.upcycle(2, 1, 0), "plain");
                ModelSource noisy = upcycled(Converted.dense(), Converted.upcycle(2, 1, 0.1), "noisy")) {
            double[][] noise = new double[2][];
            for (int expert = 0; expert < 2; expert++) {
                String name = "encoder.block.3.layer.1.mlp.experts.expert_" + expert + ".wi.weight";
                double[] weights = plain.parameters().doubles(name);
                noise[expert] = noisy.parameters().doubles(name);
                for (int i = 0; i < weights.length; i++) {
                    noise[expert][i] -= weights[i];
                }
                double relative = Math.sqrt(StatUtils.variance(noise[expert]) / StatUtils.variance(weights));
                assertThat(relative).isCloseTo(0.1, within(0.01));
                assertThat(StatUtils.mean(noise[expert])).isCloseTo(0, within(0.02));
            }
            assertThat(noise[0]).isNotEqualTo(noise[1]);
            String norm = "encoder.block.3.layer.1.layer_norm.weight";
            assertThat(noisy.parameters().doubles(norm))
                    .isEqualTo(plain.parameters().doubles(norm));
        }
    }

    @Test
    void theRouterIsFreshAndOfTheTrainersSize() {
        UpcycleConfig settings = Converted.upcycle(32, 1, 0);
        try (ModelSource sparse = upcycled(Converted.dense(), settings, "sparse")) {
            double[] router = sparse.parameters().doubles("decoder.block.1.layer.2.mlp.router.classifier.weight");
            double sigma = Math.sqrt(0.1 / 16);

            assertThat(router).hasSize(32 * 16);
            assertThat(StatUtils.max(router)).isBetween(sigma, 2 * sigma + 1e-6);
            assertThat(StatUtils.min(router)).isBetween(-2 * sigma - 1e-6, -sigma);
            // 0.8796 is the deviation of a normal distribution cut at two sigma.
            assertThat(Math.sqrt(StatUtils.variance(router))).isCloseTo(0.8796 * sigma, within(0.1 * sigma));
        }
    }

    @Test
    void everySecondLayerIsSparseUnlessSaidOtherwise() {
        T5Config six =
                Converted.dense().toBuilder().encoderLayers(6).decoderLayers(1).build();
        UpcycleConfig settings = Converted.upcycle(2, 1, 0);

        T5Config sparse = settings.sparse(six);

        assertThat(sparse.sparse().orElseThrow().sparseEncoderLayers()).isEqualTo(2);
        assertThat(sparse.sparse().orElseThrow().sparseDecoderLayers()).isEqualTo(1);
    }

    @Test
    void aModelThatCannotGetExpertsIsRefused() {
        UpcycleConfig settings = Converted.upcycle(2, 1, 0);
        T5Config unscaled =
                Converted.dense().toBuilder().head(Head.TIED_UNSCALED).build();

        assertThatThrownBy(() -> upcycled(Converted.sparse(2), settings, "twice"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("has experts already");
        assertThatThrownBy(() -> upcycled(unscaled, settings, "unscaled"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("a Switch model's head is tied and scaled or untied and unscaled");
        assertThatThrownBy(() -> upcycled(Converted.dense(), Converted.upcycle(2, 3, 0), "many"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("router.k is 3 but there are only 2 experts");
    }
}
