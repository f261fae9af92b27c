package dev.sparkswitch.convert;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.AttentionForm;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.util.Optional;

/**
 * What becomes of a dense model that gets experts.
 *
 * @param experts of every sparse layer
 * @param sparseEncoderLayers sparse layers of the encoder; empty for every second one
 * @param sparseDecoderLayers sparse layers of the decoder; empty for every second one
 * @param router how the model routes
 * @param capacity how many tokens an expert takes
 * @param attention whether self-attention in the sparse layers gets experts too
 * @param noise the standard deviation of the normal noise on the experts' weights, over that of the weights themselves
 */
public record UpcycleConfig(
        @Setting(help = "experts of every sparse layer, each a copy of the dense layer")
        int experts,

        @Setting(help = "sparse layers of the encoder; absent: every second layer")
        Optional<Integer> sparseEncoderLayers,

        @Setting(help = "sparse layers of the decoder; absent: every second layer")
        Optional<Integer> sparseDecoderLayers,

        @Setting(help = "how an expert is chosen") RouterConfig router,
        @Setting(help = "how many tokens an expert takes") CapacityConfig capacity,

        @Setting(value = "dense", help = "self-attention of sparse blocks: dense, or switch for projections by experts")
        AttentionForm attention,

        @Setting(value = "0", help = "noise on the copies, over the standard deviation of the weights")
        double noise) {
    public UpcycleConfig {
        if (!(noise >= 0 && Double.isFinite(noise))) {
            throw new IllegalArgumentException("noise is " + noise + " but must be 0 or above");
        }
    }

    /** {@code dense} with experts. */
    T5Config sparse(T5Config dense) {
        SwitchConfig byDefault = SwitchConfig.of(
                experts,
                sparseEncoderLayers.orElse(everySecond(dense, Stack.ENCODER)),
                sparseDecoderLayers.orElse(everySecond(dense, Stack.DECODER)),
                capacity);
        return dense.toBuilder()
                .sparse(byDefault.toBuilder()
                        .router(router)
                        .attention(attention)
                        .build())
                .build();
    }

    private static int everySecond(T5Config config, Stack stack) {
        return Math.max(1, config.layers(stack) / 2);
    }
}
