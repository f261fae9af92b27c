package dev.sparkswitch.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
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
                  router: {policy: top-k, k: 2}
                  capacity: {mode: per-sequence, tokens: 7, route-padding: true}
                  balance-loss: 0.02
                  expert-dropout: 0.4
                  jitter: 0
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
                                new RouterConfig(RoutingPolicy.TOP_K, 2),
                                CapacityConfig.perSequence(7),
                                0.02,
                                0,
                                0.4,
                                0))));
    }

    @Test
    void aSwitchModelNeedsOnlyItsExpertsAndLayers() {
        T5Config config = load("sparse: {experts: 8, sparse-encoder-layers: 6, sparse-decoder-layers: 6}");

        assertThat(config.sparse()).contains(SwitchConfig.of(8, 6, 6, CapacityConfig.group(1, 1.25, 2, 4)));
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
