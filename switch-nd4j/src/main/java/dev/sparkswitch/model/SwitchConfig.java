package dev.sparkswitch.model;

import dev.sparkswitch.base.Setting;
import java.util.List;

/**
 * The sparse part of a Switch Transformer.
 *
 * @param experts the experts of every sparse layer, E
 * @param sparseEncoderLayers the sparse layers that the encoder is asked to have; {@link T5Config#sparse} places them
 * @param sparseDecoderLayers the sparse layers that the decoder is asked to have
 * @param router how a token's experts are chosen
 * @param capacity how many tokens an expert takes
 * @param balanceLoss alpha of {@code alpha * E * sum_i f_i P_i}, summed over sparse layers (Switch Transformer,
 *     equation 4)
 * @param routerZLoss the coefficient of the mean squared log-sum-exp of the router's logits (ST-MoE, equation 5)
 * @param expertDropout dropout inside the experts, between their two products
 * @param jitter in training the router's input is multiplied by U(1 - jitter, 1 + jitter)
 * @param expertWidths the inner width of each expert; empty where all have that of the dense layers
 * @param attention the form of self-attention in the sparse blocks
 */
public record SwitchConfig(
        @Setting(help = "experts of every sparse layer") int experts,
        @Setting(help = "sparse layers of the encoder") int sparseEncoderLayers,
        @Setting(help = "sparse layers of the decoder") int sparseDecoderLayers,
        @Setting(help = "how an expert is chosen") RouterConfig router,
        @Setting(help = "how many tokens an expert takes") CapacityConfig capacity,

        @Setting(value = "0.01", help = "weight of the load-balancing loss, a sum over sparse layers")
        double balanceLoss,

        @Setting(value = "0", help = "weight of the squared log-sum-exp of router logits")
        double routerZLoss,

        @Setting(value = "0.1", help = "dropout inside the experts")
        double expertDropout,

        @Setting(value = "0.01", help = "relative noise on the router input in training")
        double jitter,

        @Setting(value = "[]", help = "inner width of each expert, equal ones side by side; none: that of dense layers")
        List<Integer> expertWidths,

        @Setting(value = "dense", help = "self-attention of sparse blocks: dense, or switch for projections by experts")
        AttentionForm attention) {
    /** The paper's alpha. */
    public static final double DEFAULT_BALANCE_LOSS = 0.01;

    /** The paper's jitter of the router's input. */
    public static final double DEFAULT_JITTER = 0.01;

    /** The different widths that a model's experts may have, at most. */
    public static final int WIDTHS = 64;

    public SwitchConfig {
        expertWidths = List.copyOf(expertWidths);
        List<Integer> widths = expertWidths;
        Contradictions.none(found -> found.atLeast(1, "experts", experts)
                .atLeast(0, "sparse encoder layers", sparseEncoderLayers)
                .atLeast(0, "sparse decoder layers", sparseDecoderLayers)
                .check(
                        sparseEncoderLayers != 0 || sparseDecoderLayers != 0,
                        "there are " + experts + " experts but no sparse layer in either stack")
                .check(
                        router.k() <= experts,
                        "router.k is " + router.k() + " but there are only " + experts + " experts")
                .notNegative("balance loss", balanceLoss)
                .notNegative("router z-loss", routerZLoss)
                .fraction("expert dropout", expertDropout)
                .fraction("jitter", jitter)
                .check(
                        widths.isEmpty() || widths.size() == experts,
                        "expert-widths has " + widths.size() + " entries for " + experts + " experts")
                .check(
                        widths.stream().distinct().count() <= WIDTHS,
                        "expert-widths has more than " + WIDTHS + " different widths")
                .check(
                        widths.stream().allMatch(width -> width >= 1),
                        "expert-widths " + widths + " must all be at least 1"));
    }

    /** The paper's defaults around what a model must state: top-1, alpha 0.01, jitter 0.01, expert dropout 0.1. */
    public static SwitchConfig of(
            int experts, int sparseEncoderLayers, int sparseDecoderLayers, CapacityConfig capacity) {
        return new Builder(experts, sparseEncoderLayers, sparseDecoderLayers, capacity).build();
    }

    /** A builder that holds this configuration. */
    public Builder toBuilder() {
        Builder builder = new Builder(experts, sparseEncoderLayers, sparseDecoderLayers, capacity);
        builder.router = router;
        builder.balanceLoss = balanceLoss;
        builder.routerZLoss = routerZLoss;
        builder.expertDropout = expertDropout;
        builder.jitter = jitter;
        builder.expertWidths = expertWidths;
        builder.attention = attention;
        return builder;
    }

    /** The sparse layers that {@code stack} is asked to have. */
    public int sparseLayers(Stack stack) {
        return switch (stack) {
            case ENCODER -> sparseEncoderLayers;
            case DECODER -> sparseDecoderLayers;
        };
    }

    /**
     * The tokens that an expert takes of a routing group, which is a sequence in per-sequence mode.
     *
     * @param groupTokens the group's positions, S, padding included
     * @return {@code max(minimum, (int) (factor * k * S / E))} in group mode (Mesh TensorFlow), all of the group in
     *     generation, the absolute number in per-sequence mode; it may exceed {@code groupTokens}
     */
    public int capacity(int groupTokens, Phase phase) {
        return switch (capacity.mode()) {
            case GROUP ->
                switch (phase) {
                    case TRAIN -> capacity(groupTokens, capacity.trainFactor());
                    case EVALUATE -> capacity(groupTokens, capacity.evalFactor());
                    case GENERATE -> groupTokens;
                };
            case PER_SEQUENCE -> capacity.tokens();
        };
    }

    private int capacity(int groupTokens, double factor) {
        return Math.max(capacity.minimum(), (int) (factor * router.k() * groupTokens / experts));
    }

    /** Collects the fields of a {@link SwitchConfig}; the names are those of its components. */
    public static final class Builder {
        private final int experts;
        private final int sparseEncoderLayers;
        private final int sparseDecoderLayers;
        private final CapacityConfig capacity;
        private RouterConfig router = RouterConfig.TOP_1;
        private double balanceLoss = DEFAULT_BALANCE_LOSS;
        private double routerZLoss;
        private double expertDropout = 0.1;
        private double jitter = DEFAULT_JITTER;
        private List<Integer> expertWidths = List.of();
        private AttentionForm attention = AttentionForm.DENSE;

        private Builder(int experts, int sparseEncoderLayers, int sparseDecoderLayers, CapacityConfig capacity) {
            this.experts = experts;
            this.sparseEncoderLayers = sparseEncoderLayers;
            this.sparseDecoderLayers = sparseDecoderLayers;
            this.capacity = capacity;
        }

        public Builder router(RouterConfig value) {
            router = value;
            return this;
        }

        public Builder balanceLoss(double value) {
            balanceLoss = value;
            return this;
        }

        public Builder routerZLoss(double value) {
            routerZLoss = value;
            return this;
        }

        public Builder expertDropout(double value) {
            expertDropout = value;
            return this;
        }

        public Builder jitter(double value) {
            jitter = value;
            return this;
        }

        public Builder expertWidths(List<Integer> value) {
            expertWidths = value;
            return this;
        }

        public Builder attention(AttentionForm value) {
            attention = value;
            return this;
        }

        /** @throws dev.sparkswitch.base.UserException naming all contradictions */
        public SwitchConfig build() {
            return new SwitchConfig(
                    experts,
                    sparseEncoderLayers,
                    sparseDecoderLayers,
                    router,
                    capacity,
                    balanceLoss,
                    routerZLoss,
                    expertDropout,
                    jitter,
                    expertWidths,
                    attention);
        }
    }
}
