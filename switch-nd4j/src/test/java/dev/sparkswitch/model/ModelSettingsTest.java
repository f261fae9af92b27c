package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The model's records as sections of a job's configuration. */
class ModelSettingsTest {
    @Test
    void defaultsAreTheBuilders() {
        assertThat(load("{}")).isEqualTo(T5Config.builder().build());
    }

    @Test
    void settingsAreBound() {
        T5Config config = load("""
                vocabulary-size: 4000
                model-size: 128
                key-size: 32
                feed-forward-size: 512
                heads: 4
                encoder-layers: 2
                decoder-layers: 3
                feed-forward: gated-gelu
                relative-buckets: 16
                relative-max-distance: 64
                layer-norm-epsilon: 1e-5
                dropout: 0.2
                head: untied
                embedding: per-stack
                pad-id: 3
                eos-id: 4
                decoder-start-id: 5
                sparse:
                  experts: 8
                  sparse-encoder-layers: 1
                  sparse-decoder-layers: 2
                  router: {policy: top-k, k: 2, overflow: reroute, exploration: {kind: input-dropout, rate: 0.2}}
                  capacity: {mode: per-sequence, tokens: 7, route-padding: true}
                  balance-loss: 0.02
                  expert-dropout: 0.4
                  expert-widths: [64, 64, 64, 64, 128, 128, 128, 128]
                  attention: switch
                  router-precision: bf16
                """);

        assertThat(config)
                .isEqualTo(new T5Config(
                        4000,
                        128,
                        32,
                        512,
                        4,
                        2,
                        3,
                        FeedForward.GATED_GELU,
                        16,
                        64,
                        1e-5,
                        0.2,
                        Head.UNTIED,
                        Embedding.PER_STACK,
                        3,
                        4,
                        5,
                        Optional.of(new SwitchConfig(
                                8,
                                1,
                                2,
                                new RouterConfig.TopK(2, Overflow.REROUTE, new Exploration.InputDropout(0.2)),
                                CapacityConfig.perSequence(7),
                                0.02,
                                0,
                                0.4,
                                List.of(64, 64, 64, 64, 128, 128, 128, 128),
                                AttentionForm.SWITCH,
                                List.of(),
                                RouterPrecision.BF16))));
    }

    @Test
    void aSwitchModelNeedsOnlyItsExpertsAndLayers() {
        T5Config config = load("sparse: {experts: 8, sparse-encoder-layers: 6, sparse-decoder-layers: 6}");

        assertThat(config.sparse()).contains(SwitchConfig.of(8, 6, 6, CapacityConfig.group(1, 1.25, 2, 4)));
    }

    private static RouterConfig router(String yaml) {
        return load("sparse: {experts: 8, sparse-encoder-layers: 6, sparse-decoder-layers: 0, router: " + yaml + "}")
                .sparse()
                .orElseThrow()
                .router();
    }

    @Test
    void everyPolicyAndExplorationIsChosenByName() {
        assertThat(router("{}")).isEqualTo(RouterConfig.TOP_1);
        assertThat(router("{k: 2}")).isEqualTo(RouterConfig.topK(2));
        assertThat(router("{policy: top-p, p: 0.7, max-experts: 3}"))
                .isEqualTo(new RouterConfig.TopP(0.7, 3, Overflow.DROP, Exploration.JITTER));
        assertThat(router("{policy: expert-choice, exploration: argmax}"))
                .isEqualTo(new RouterConfig.ExpertChoice(new Exploration.Argmax()));
        assertThat(router("hash")).isEqualTo(new RouterConfig.Hash());
        assertThat(router("{exploration: sample}").exploration()).isEqualTo(new Exploration.Sample());
        assertThat(router("{exploration: input-dropout}").exploration()).isEqualTo(new Exploration.InputDropout(0.1));
    }

    @Test
    void aRouterThatContradictsItselfIsRefused() {
        assertThatThrownBy(() -> router("{policy: top-p, p: 0, max-experts: 0}"))
                .hasMessageContaining("router.p is 0.0 but must be above 0")
                .hasMessageContaining("router.max-experts is 0");
        assertThatThrownBy(() -> router("{policy: hash, overflow: reroute}"))
                .hasMessageContaining("sparse.router.overflow: it belongs to the sparse.router.policy top-k, not hash");
        assertThatThrownBy(() -> router("{policy: expert-choice, exploration: sample}"))
                .hasMessageContaining("with expert-choice tokens choose nothing that could be sampled");
        assertThatThrownBy(() -> router("{exploration: {kind: input-jitter, rate: 0}}"))
                .hasMessageContaining("rate is 0.0 but must be above 0");
    }

    @Test
    void fieldsThatContradictEachOtherAreAllFoundAtOnce() {
        Contradictions found = new Contradictions();
        load("""
                embedding: per-stack
                eos-id: 0
                sparse: {experts: 2, sparse-encoder-layers: 0, sparse-decoder-layers: 0, router: {k: 3}}
                """).contradictions(found);
        assertThat(found.messages())
                .containsExactly(
                        "a head that is tied needs one embedding for both stacks, not PER_STACK",
                        "padding and end of sequence share the id 0",
                        "there are 2 experts but no sparse layer in either stack",
                        "router.k is 3 but there are only 2 experts");
    }

    @Test
    void contradictionsReachThePersonWhoWroteTheFile() {
        assertThatThrownBy(() -> load("{heads: 0, dropout: 2}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("heads is 0")
                .hasMessageContaining("dropout is 2.0");
    }

    private static T5Config load(String yaml) {
        return Configs.load(
                T5Config.class,
                new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)),
                "model.yaml",
                List.of());
    }
}
