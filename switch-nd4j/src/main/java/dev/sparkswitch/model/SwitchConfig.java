package dev.sparkswitch.model;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.ExpertShares;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.RoutingPolicy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The sparse part of a Switch Transformer.
 *
 * @param experts the experts of every sparse layer, E; of the largest where they differ
 * @param sparseEncoderLayers the sparse layers that the encoder is asked to have; {@link T5Config#sparse} places them
 * @param sparseDecoderLayers the sparse layers that the decoder is asked to have
 * @param router how tokens and experts find each other
 * @param capacity how many tokens an expert takes
 * @param balanceLoss alpha of {@code alpha * E * sum_i f_i P_i}, summed over sparse layers (Switch Transformer,
 *     equation 4; for experts of different widths {@link ExpertShares}' form); of no effect where experts or the tokens'
 *     ids choose
 * @param routerZLoss the coefficient of the mean squared log-sum-exp of the router's logits (ST-MoE, equation 5)
 * @param expertDropout dropout inside the experts, between their two products
 * @param expertWidths the inner width of each expert; empty where all have that of the dense layers. Capacity is dealt out
 *     to experts in proportion to it
 * @param attention the form of self-attention in the sparse blocks
 * @param layerExperts the experts of each sparse layer, the encoder's first; empty where all have as many. See {@link
 *     T5Config#sparseLayer}
 * @param routerPrecision what routers' numbers are held in; of no effect where the tokens' ids choose
 */
public record SwitchConfig(
        @Setting(help = "experts of every sparse layer") int experts,
        @Setting(help = "sparse layers of the encoder") int sparseEncoderLayers,
        @Setting(help = "sparse layers of the decoder") int sparseDecoderLayers,

        @Setting(help = "how tokens and experts find each other")
        RouterConfig router,

        @Setting(help = "how many tokens an expert takes") CapacityConfig capacity,

        @Setting(value = "0.01", help = "weight of the load-balancing loss, a sum over sparse layers")
        double balanceLoss,

        @Setting(value = "0", help = "weight of the squared log-sum-exp of router logits")
        double routerZLoss,

        @Setting(value = "0.1", help = "dropout inside the experts")
        double expertDropout,

        @Setting(value = "[]", help = "inner width of each expert, equal ones side by side; none: that of dense layers")
        List<Integer> expertWidths,

        @Setting(value = "dense", help = "self-attention of sparse blocks: dense, or switch for projections by experts")
        AttentionForm attention,

        @Setting(
                value = "[]",
                help =
                        "experts of each sparse layer, the encoder's first, where they differ; experts is then the largest")
        List<Integer> layerExperts,

        @Setting(value = "float32", help = "routers' arithmetic: float32, or bf16, with which training may diverge")
        RouterPrecision routerPrecision) {
    /** The paper's alpha. */
    public static final double DEFAULT_BALANCE_LOSS = 0.01;

    /** The different widths that a model's experts may have, at most. */
    public static final int WIDTHS = 64;

    /** @throws dev.sparkswitch.base.UserException for fields that are wrong by themselves; see {@link #contradictions} */
    public SwitchConfig {
        expertWidths = List.copyOf(expertWidths);
        layerExperts = List.copyOf(layerExperts);
        List<Integer> widths = expertWidths;
        List<Integer> counts = layerExperts;
        Contradictions.none(found -> found.atLeast(1, "experts", experts)
                .atLeast(0, "sparse encoder layers", sparseEncoderLayers)
                .atLeast(0, "sparse decoder layers", sparseDecoderLayers)
                .notNegative("balance loss", balanceLoss)
                .notNegative("router z-loss", routerZLoss)
                .fraction("expert dropout", expertDropout)
                .check(
                        widths.stream().distinct().count() <= WIDTHS,
                        "expert-widths has more than " + WIDTHS + " different widths")
                .check(
                        widths.stream().allMatch(width -> width >= 1),
                        "expert-widths " + widths + " must all be at least 1")
                .check(
                        counts.stream().allMatch(count -> count >= 1),
                        "layer-experts " + counts + " must all be at least 1"));
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
        builder.expertWidths = expertWidths;
        builder.attention = attention;
        builder.layerExperts = layerExperts;
        builder.routerPrecision = routerPrecision;
        return builder;
    }

    /** What its layer {@code number} is, counted through encoder and decoder: one whose layers all have its experts. */
    SwitchConfig layer(int number) {
        return layerExperts.isEmpty()
                ? this
                : toBuilder()
                        .experts(layerExperts.get(number))
                        .layerExperts(List.of())
                        .build();
    }

    /** Each number of experts that a layer has, once. */
    public Set<Integer> expertCounts() {
        return layerExperts.isEmpty() ? Set.of(experts) : new TreeSet<>(layerExperts);
    }

    /** Notes the fields that contradict each other. */
    void contradictions(Contradictions found) {
        int fewest = expertCounts().stream().mapToInt(Integer::intValue).min().orElseThrow();
        found.check(
                        sparseEncoderLayers != 0 || sparseDecoderLayers != 0,
                        "there are " + experts + " experts but no sparse layer in either stack")
                .check(
                        expertWidths.isEmpty() || expertWidths.size() == experts,
                        "expert-widths has " + expertWidths.size() + " entries for " + experts + " experts")
                .check(
                        expertWidths.isEmpty()
                                || router instanceof RouterConfig.TopK
                                || router instanceof RouterConfig.TopP,
                        "expert-widths needs a router that gives wider experts more tokens: set the router's policy to top-k"
                                + " or top-p")
                .check(
                        layerExperts.isEmpty() || Collections.max(layerExperts) == experts,
                        "layer-experts is " + layerExperts + " but experts, the largest of them, is " + experts)
                .check(
                        layerExperts.isEmpty() || expertWidths.isEmpty(),
                        "expert-widths needs as many experts in every layer, but layer-experts is " + layerExperts)
                .check(
                        router.leastExperts() <= fewest,
                        "router." + (router instanceof RouterConfig.TopP ? "max-experts" : "k") + " is "
                                + router.leastExperts() + " but there are only " + fewest + " experts")
                .check(
                        !(router instanceof RouterConfig.ExpertChoice) || sparseDecoderLayers == 0,
                        "with the router's policy expert-choice what a position gets depends on later ones, which a decoder"
                                + " has not written yet: set sparse-decoder-layers to 0 or choose another policy");
    }

    /** The sparse layers that {@code stack} is asked to have. */
    public int sparseLayers(Stack stack) {
        return switch (stack) {
            case ENCODER -> sparseEncoderLayers;
            case DECODER -> sparseDecoderLayers;
        };
    }

    /**
     * The slots that an expert has in a routing group, which is a sequence in per-sequence mode.
     *
     * @param groupTokens the group's positions, S, padding included
     * @return {@code max(minimum, (int) (factor * share * S / E))} in group mode (Mesh TensorFlow), in generation all of the
     *     group where tokens choose; the absolute number in per-sequence mode. It may exceed {@code groupTokens}
     */
    public int capacity(int groupTokens, Phase phase) {
        boolean dropless = phase == Phase.GENERATE && !(router instanceof RouterConfig.ExpertChoice);
        return switch (capacity.mode()) {
            case GROUP ->
                dropless
                        ? groupTokens
                        : Math.max(capacity.minimum(), (int) (factor(phase) * router.share() * groupTokens / experts));
            case PER_SEQUENCE -> capacity.tokens();
        };
    }

    /**
     * What experts of different widths differ in: an expert of width w takes {@code max(minimum, (int) (factor * k * S * w /
     * sum of all widths))} tokens of a group in group mode, all of it in generation, and in per-sequence mode the absolute
     * number times w over the mean width, rounded down, at least 1.
     *
     * @param groupTokens the group's positions, S, padding included; no expert takes more
     */
    ExpertShares shares(int groupTokens, Phase phase) {
        if (expertWidths.stream().distinct().count() <= 1) {
            return ExpertShares.EQUAL;
        }
        double sum = expertWidths.stream().mapToInt(Integer::intValue).sum();
        List<Integer> capacities = new ArrayList<>();
        for (int width : expertWidths) {
            int slots =
                    switch (capacity.mode()) {
                        case GROUP ->
                            phase == Phase.GENERATE
                                    ? groupTokens
                                    : Math.max(capacity.minimum(), (int)
                                            (factor(phase) * router.share() * groupTokens * width / sum));
                        case PER_SEQUENCE -> Math.max(1, (int) (capacity.tokens() * experts * width / sum));
                    };
            capacities.add(Math.min(groupTokens, slots));
        }
        return ExpertShares.of(expertWidths, capacities);
    }

    private double factor(Phase phase) {
        return switch (phase) {
            case TRAIN -> capacity.trainFactor();
            case EVALUATE, GENERATE -> capacity.evalFactor();
        };
    }

    /** The router's policy as the engine knows it. */
    RoutingPolicy policy(Phase phase) {
        if (router instanceof RouterConfig.TopK top) {
            return new RoutingPolicy.TopK(top.k());
        }
        if (router instanceof RouterConfig.TopP top) {
            return new RoutingPolicy.TopP(top.p(), top.maxExperts());
        }
        if (router instanceof RouterConfig.Hash) {
            return new RoutingPolicy.Hash(experts);
        }
        return switch (capacity.mode()) {
            case GROUP -> new RoutingPolicy.ExpertChoice(experts, factor(phase), capacity.minimum());
            case PER_SEQUENCE -> new RoutingPolicy.ExpertChoice(experts, 0, capacity.tokens());
        };
    }

    /** Collects the fields of a {@link SwitchConfig}; the names are those of its components. */
    public static final class Builder {
        private final int sparseEncoderLayers;
        private final int sparseDecoderLayers;
        private final CapacityConfig capacity;
        private int experts;
        private RouterConfig router = RouterConfig.TOP_1;
        private double balanceLoss = DEFAULT_BALANCE_LOSS;
        private double routerZLoss;
        private double expertDropout = 0.1;
        private List<Integer> expertWidths = List.of();
        private AttentionForm attention = AttentionForm.DENSE;
        private List<Integer> layerExperts = List.of();
        private RouterPrecision routerPrecision = RouterPrecision.FLOAT32;

        private Builder(int experts, int sparseEncoderLayers, int sparseDecoderLayers, CapacityConfig capacity) {
            this.experts = experts;
            this.sparseEncoderLayers = sparseEncoderLayers;
            this.sparseDecoderLayers = sparseDecoderLayers;
            this.capacity = capacity;
        }

        public Builder experts(int value) {
            experts = value;
            return this;
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

        public Builder expertWidths(List<Integer> value) {
            expertWidths = value;
            return this;
        }

        public Builder attention(AttentionForm value) {
            attention = value;
            return this;
        }

        public Builder layerExperts(List<Integer> value) {
            layerExperts = value;
            return this;
        }

        public Builder routerPrecision(RouterPrecision value) {
            routerPrecision = value;
            return this;
        }

        /** @throws dev.sparkswitch.base.UserException for fields that are wrong by themselves */
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
                    expertWidths,
                    attention,
                    layerExperts,
                    routerPrecision);
        }
    }
}
