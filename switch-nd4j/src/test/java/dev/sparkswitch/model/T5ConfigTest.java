package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class T5ConfigTest {
    @Test
    void sparseLayersStandWhereTheReleasedModelsHaveThem() {
        assertThat(sparseLayers(12, 6)).containsExactly(1, 3, 5, 7, 9, 11);
        assertThat(sparseLayers(12, 3)).containsExactly(1, 5, 9);
        assertThat(sparseLayers(3, 3)).containsExactly(0, 1, 2);
        assertThat(sparseLayers(2, 1)).containsExactly(1);
        assertThat(sparseLayers(12, 5)).containsExactly(1, 3, 5, 7, 9, 11);
        assertThat(sparseLayers(4, 0)).isEmpty();
    }

    @Test
    void capacityIsTheFactorsShareOfTheGroupRoundedDown() {
        SwitchConfig top1 = SwitchConfig.of(4, 1, 1, CapacityConfig.group(4, 1.0, 2.0, 4));
        SwitchConfig top2 = top1.toBuilder().router(RouterConfig.topK(2)).build();
        RouterConfig choice = new RouterConfig.ExpertChoice(Exploration.JITTER);
        SwitchConfig byExperts = top1.toBuilder().router(choice).build();

        assertThat(top1.capacity(56, Phase.TRAIN)).isEqualTo(14);
        assertThat(top1.capacity(36, Phase.TRAIN)).isEqualTo(9);
        assertThat(top1.capacity(39, Phase.TRAIN)).isEqualTo(9);
        assertThat(top1.capacity(36, Phase.EVALUATE)).isEqualTo(18);
        assertThat(top2.capacity(39, Phase.TRAIN)).isEqualTo(19);
        assertThat(top1.capacity(8, Phase.TRAIN)).as("the minimum").isEqualTo(4);
        assertThat(top2.capacity(39, Phase.GENERATE)).as("no token is dropped").isEqualTo(39);
        assertThat(byExperts.capacity(39, Phase.GENERATE)).isEqualTo(19);
        assertThat(SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(3)).capacity(100, Phase.TRAIN))
                .isEqualTo(3);
    }

    @Test
    void capacityIsDealtOutByWidth() {
        SwitchConfig group = SwitchConfig.of(2, 1, 1, CapacityConfig.group(4, 1.0, 2.0, 4)).toBuilder()
                .expertWidths(List.of(24, 8))
                .build();
        SwitchConfig sequence = SwitchConfig.of(2, 1, 1, CapacityConfig.perSequence(4)).toBuilder()
                .expertWidths(List.of(24, 8))
                .build();

        assertThat(group.shares(40, Phase.TRAIN).capacities()).containsExactly(30, 10);
        assertThat(group.shares(40, Phase.EVALUATE).capacities())
                .as("no more than there are")
                .containsExactly(40, 20);
        assertThat(group.shares(8, Phase.TRAIN).capacities()).as("the minimum").containsExactly(6, 4);
        assertThat(group.shares(40, Phase.GENERATE).capacities()).containsExactly(40, 40);
        assertThat(sequence.shares(40, Phase.TRAIN).capacities()).containsExactly(6, 2);
        assertThat(group.shares(40, Phase.TRAIN).weights()).containsExactly(2.0 / 3, 2.0);
        assertThat(group.toBuilder()
                        .expertWidths(List.of(9, 9))
                        .build()
                        .shares(40, Phase.TRAIN)
                        .equal())
                .isTrue();
    }

    private static T5Config withLayerExperts(Integer... counts) {
        return T5Config.builder()
                .encoderLayers(4)
                .decoderLayers(4)
                .sparse(SwitchConfig.of(16, 2, 1, CapacityConfig.group(1, 1.0, 2.0, 1)).toBuilder()
                        .layerExperts(List.of(counts))
                        .build())
                .build();
    }

    @Test
    void layersHaveTheNumbersOfExpertsThatTheyWereGivenTheEncoderFirst() {
        T5Config config = withLayerExperts(8, 16, 4);

        assertThat(config.sparseLayer(Stack.ENCODER, 1).experts()).isEqualTo(8);
        assertThat(config.sparseLayer(Stack.ENCODER, 3).experts()).isEqualTo(16);
        assertThat(config.sparseLayer(Stack.DECODER, 1).experts()).isEqualTo(4);
        assertThat(config.sparseLayer(Stack.DECODER, 1).capacity(64, Phase.TRAIN))
                .as("fewer experts take more tokens each")
                .isEqualTo(16);
        assertThat(config.sparseLayer(Stack.ENCODER, 3).capacity(64, Phase.TRAIN))
                .isEqualTo(4);
        long expert = 2L * 768 * 3072;
        long routerAndExperts = ParameterSpecs.of(config).stream()
                .filter(spec -> spec.role() != Role.DENSE)
                .mapToLong(ParameterSpec::count)
                .sum();
        assertThat(routerAndExperts).isEqualTo((8 + 16 + 4) * (expert + 768));
    }

    @Test
    void numbersOfExpertsThatDoNotFitTheLayersAreRefused() {
        assertThatThrownBy(() -> withLayerExperts(8, 16))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("layer-experts has 2 entries for 3 sparse layers");
        assertThatThrownBy(() -> withLayerExperts(8, 8, 4))
                .hasMessageContaining("layer-experts is [8, 8, 4] but experts, the largest of them, is 16");
        assertThatThrownBy(() -> withLayerExperts(16, 0, 4))
                .hasMessageContaining("layer-experts [16, 0, 4] must all be at least 1");
        assertThatThrownBy(() -> ExpertPlacement.of(withLayerExperts(8, 16, 2), 4, 4))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("2 experts cannot be spread evenly over 4 ranks");
    }

    @Test
    void allContradictionsAreReportedTogether() {
        assertThatThrownBy(() -> T5Config.builder()
                        .encoderLayers(2)
                        .heads(0)
                        .dropout(1.5)
                        .eosId(40_000)
                        .sparse(SwitchConfig.of(8, 3, 1, CapacityConfig.perSequence(64)))
                        .build())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("heads is 0 but must be at least 1")
                .hasMessageContaining("dropout is 1.5")
                .hasMessageContaining("end-of-sequence id 40000 lies outside the vocabulary of 32128")
                .hasMessageContaining("3 sparse encoder layers do not fit in 2");
        assertThatThrownBy(() -> T5Config.builder()
                        .eosId(-1)
                        .sparse(SwitchConfig.of(2, 0, 0, CapacityConfig.perSequence(1)).toBuilder()
                                .router(RouterConfig.topK(3))
                                .build())
                        .build())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("router.k is 3 but there are only 2 experts")
                .hasMessageContaining("end-of-sequence id -1");
        assertThatThrownBy(() -> SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                        .balanceLoss(-1)
                        .expertDropout(1)
                        .build())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("balance loss is -1.0")
                .hasMessageContaining("expert dropout is 1.0");
        assertThatThrownBy(() -> T5Config.builder()
                        .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                                .expertWidths(List.of(8, 8))
                                .build())
                        .build())
                .hasMessageContaining("expert-widths has 2 entries for 4 experts");
        assertThatThrownBy(() -> T5Config.builder()
                        .sparse(SwitchConfig.of(2, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                                .router(new RouterConfig.Hash())
                                .expertWidths(List.of(8, 4))
                                .build())
                        .build())
                .hasMessageContaining("expert-widths needs a router that gives wider experts more tokens");
        assertThatThrownBy(() -> SwitchConfig.of(2, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                        .expertWidths(List.of(8, 0))
                        .build())
                .hasMessageContaining("expert-widths [8, 0] must all be at least 1");
        assertThatThrownBy(() -> T5Config.builder()
                        .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                                .attention(AttentionForm.SWITCH)
                                .build())
                        .build()
                        .requirePrecision(Precision.BF16))
                .hasMessageContaining("Experts in attention need float32");
        assertThatThrownBy(() -> T5Config.builder()
                        .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(1)).toBuilder()
                                .attention(AttentionForm.SWITCH)
                                .build())
                        .build()
                        .requirePrecision(Precision.BF16_PRODUCTS))
                .hasMessageContaining("Experts in attention need float32");
        assertThatThrownBy(() -> CapacityConfig.group(0, 0, Double.NaN, 0))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("capacity.group-rows is 0")
                .hasMessageContaining("capacity.train-factor is 0.0")
                .hasMessageContaining("capacity.eval-factor is NaN")
                .hasMessageContaining("capacity.minimum is 0");
    }

    @Test
    void expertChoiceIsRefusedInADecoderWhichCannotSeeWhatFollows() {
        SwitchConfig both = SwitchConfig.of(4, 1, 1, CapacityConfig.perSequence(8)).toBuilder()
                .router(new RouterConfig.ExpertChoice(Exploration.JITTER))
                .build();
        assertThatThrownBy(() -> T5Config.builder().sparse(both).build())
                .isInstanceOf(UserException.class)
                .hasMessageContaining("set sparse-decoder-layers to 0");
    }

    @Test
    void aBuilderOfAConfigurationMakesTheSameOne() {
        T5Config config = T5Config.builder()
                .feedForward(FeedForward.GATED_GELU)
                .head(Head.UNTIED)
                .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1, 2, 4)))
                .build();

        assertThat(config.toBuilder().build()).isEqualTo(config);
    }

    private static List<Integer> sparseLayers(int layers, int sparse) {
        T5Config config = T5Config.builder()
                .encoderLayers(layers)
                .decoderLayers(layers)
                .sparse(SwitchConfig.of(8, sparse, 1, CapacityConfig.perSequence(64)))
                .build();
        List<Integer> found = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            if (config.sparse(Stack.ENCODER, layer)) {
                found.add(layer);
            }
        }
        return found;
    }
}
