package dev.sparkswitch.model;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Precision;
import java.util.List;
import java.util.Optional;

/**
 * A T5-shaped encoder-decoder, dense or with Switch layers.
 *
 * @param vocabularySize the rows of the embedding, V
 * @param modelSize the width of the residual stream, d_model
 * @param keySize the width of one attention head, d_kv
 * @param feedForwardSize the inner width of a feed-forward layer and of an expert, d_ff
 * @param heads the attention heads, H
 * @param encoderLayers the encoder's blocks
 * @param decoderLayers the decoder's blocks
 * @param feedForward the form of feed-forward layers and experts
 * @param relativeBuckets the buckets of the relative position bias
 * @param relativeMaxDistance the distance from which on all positions share the last bucket
 * @param layerNormEpsilon added to the mean square in every RMS norm
 * @param dropout the dropout of embeddings, attention, feed-forward layers and residual branches
 * @param head where the output projection's weights come from
 * @param embedding whether the stacks read one token embedding or each its own
 * @param padId the id of padding
 * @param eosId the id that ends a sequence
 * @param decoderStartId the id that a decoder's input begins with
 * @param sparse the Switch layers, or empty for a dense model
 */
public record T5Config(
        @Setting(value = "32128", help = "rows of the embedding")
        int vocabularySize,

        @Setting(value = "768", help = "width of the residual stream, d_model")
        int modelSize,

        @Setting(value = "64", help = "width of an attention head, d_kv")
        int keySize,

        @Setting(value = "3072", help = "inner width of feed-forward layers and experts, d_ff")
        int feedForwardSize,

        @Setting(value = "12", help = "attention heads") int heads,

        @Setting(value = "12", help = "blocks of the encoder")
        int encoderLayers,

        @Setting(value = "12", help = "blocks of the decoder")
        int decoderLayers,

        @Setting(value = "relu", help = "form of feed-forward layers and experts")
        FeedForward feedForward,

        @Setting(value = "32", help = "buckets of the relative position bias")
        int relativeBuckets,

        @Setting(value = "128", help = "distance from which on positions share the last bucket")
        int relativeMaxDistance,

        @Setting(value = "1e-6", help = "added to the mean square in every norm")
        double layerNormEpsilon,

        @Setting(value = "0.1", help = "dropout outside the experts")
        double dropout,

        @Setting(value = "tied-scaled", help = "where the output projection comes from")
        Head head,

        @Setting(value = "shared", help = "whether both stacks read one embedding")
        Embedding embedding,

        @Setting(value = "0", help = "id of padding") int padId,

        @Setting(value = "1", help = "id that ends a sequence")
        int eosId,

        @Setting(value = "0", help = "id that begins the decoder input")
        int decoderStartId,

        @Setting(help = "the Switch layers; absent for a dense model")
        Optional<SwitchConfig> sparse) {
    /** @throws dev.sparkswitch.base.UserException for fields that are wrong by themselves; see {@link #contradictions} */
    public T5Config {
        Contradictions.none(found -> found.atLeast(1, "vocabulary size", vocabularySize)
                .atLeast(1, "model size (d_model)", modelSize)
                .atLeast(1, "key size (d_kv)", keySize)
                .atLeast(1, "feed-forward size (d_ff)", feedForwardSize)
                .atLeast(1, "heads", heads)
                .atLeast(1, "encoder layers", encoderLayers)
                .atLeast(1, "decoder layers", decoderLayers)
                .check(
                        relativeBuckets >= 4 && relativeBuckets % 2 == 0,
                        "relative position buckets are " + relativeBuckets + " but must be even and at least 4")
                .positive("layer norm epsilon", layerNormEpsilon)
                .fraction("dropout", dropout));
    }

    /** Notes the fields that contradict each other. A job does so together with everything else that it was told. */
    public void contradictions(Contradictions found) {
        toBuilder().contradictions(found);
        layerContradictions(found);
    }

    /** A number of experts for each sparse layer needs to know how many there are. */
    private void layerContradictions(Contradictions found) {
        sparse.filter(layers -> !layers.layerExperts().isEmpty())
                .filter(layers ->
                        layers.sparseEncoderLayers() <= encoderLayers && layers.sparseDecoderLayers() <= decoderLayers)
                .ifPresent(layers -> found.check(
                        layers.layerExperts().size() == sparseLayers(),
                        "layer-experts has " + layers.layerExperts().size() + " entries for " + sparseLayers()
                                + " sparse layers"));
    }

    /** @throws dev.sparkswitch.base.UserException naming all fields that contradict each other */
    void requireConsistent() {
        Contradictions.none(this::contradictions);
    }

    private static void checkId(Contradictions found, String name, int id, int vocabularySize) {
        found.check(
                id >= 0 && id < vocabularySize,
                "the " + name + " id " + id + " lies outside the vocabulary of " + vocabularySize);
    }

    /** The blocks of {@code stack}. */
    public int layers(Stack stack) {
        return switch (stack) {
            case ENCODER -> encoderLayers;
            case DECODER -> decoderLayers;
        };
    }

    /** The width of all attention heads together, {@code heads * keySize}. */
    public int attentionSize() {
        return heads * keySize;
    }

    /**
     * Whether the feed-forward layer of block {@code layer} is a Switch layer. With {@code step = layers / sparse
     * layers}, rounded down, block i is sparse iff {@code step == 1 || i % step == 1} (Hugging Face's rule, which the
     * released checkpoints follow): 6 of 12 are 1, 3, 5, 7, 9, 11. Where the division leaves a remainder the rule can
     * give more sparse layers than were asked for.
     */
    public boolean sparse(Stack stack, int layer) {
        if (sparse.isEmpty() || sparse.get().sparseLayers(stack) == 0) {
            return false;
        }
        int step = layers(stack) / sparse.get().sparseLayers(stack);
        return step == 1 || layer % step == 1;
    }

    /**
     * The sparse part as block {@code layer} has it: {@link SwitchConfig#experts} is the number of its own experts.
     *
     * @throws IllegalArgumentException where that block is not sparse
     */
    public SwitchConfig sparseLayer(Stack stack, int layer) {
        if (!sparse(stack, layer)) {
            throw new IllegalArgumentException("block " + layer + " of the " + stack + " is not sparse");
        }
        int number = stack == Stack.ENCODER ? 0 : sparseLayers(Stack.ENCODER, encoderLayers);
        return sparse.orElseThrow().layer(number + sparseLayers(stack, layer));
    }

    /** The sparse layers among the first {@code blocks} of {@code stack}. */
    private int sparseLayers(Stack stack, int blocks) {
        int count = 0;
        for (int layer = 0; layer < blocks; layer++) {
            count += sparse(stack, layer) ? 1 : 0;
        }
        return count;
    }

    /** The sparse layers of both stacks. */
    public int sparseLayers() {
        return sparseLayers(Stack.ENCODER, encoderLayers) + sparseLayers(Stack.DECODER, decoderLayers);
    }

    /** Whether the self-attention of block {@code layer} has expert projections: in sparse blocks, where asked for. */
    public boolean sparseAttention(Stack stack, int layer) {
        return sparse(stack, layer) && sparse.orElseThrow().attention() == AttentionForm.SWITCH;
    }

    /**
     * Refuses a precision in which this model does not train: experts in attention diverge in bf16 (Switch Transformer,
     * appendix A).
     *
     * @throws UserException naming the setting to change
     */
    public void requirePrecision(Precision precision) {
        boolean experts = sparse.isPresent() && sparse.get().attention() == AttentionForm.SWITCH;
        if (experts && (precision == Precision.BF16 || precision == Precision.BF16_PRODUCTS)) {
            throw new UserException("Experts in attention need float32: set engine.precision to float32, or"
                    + " model.sparse.attention to dense.");
        }
    }

    /** The inner width of an expert's feed-forward layer. */
    public int expertWidth(int expert) {
        List<Integer> widths = sparse.orElseThrow().expertWidths();
        return widths.isEmpty() ? feedForwardSize : widths.get(expert);
    }

    /** A builder that holds T5-Base: V 32128, d_model 768, d_kv 64, d_ff 3072, 12 heads, 12 + 12 layers, ReLU, tied. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that holds this configuration. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Collects the fields of a {@link T5Config}; the names are those of its components. */
    public static final class Builder {
        private int vocabularySize = 32128;
        private int modelSize = 768;
        private int keySize = 64;
        private int feedForwardSize = 3072;
        private int heads = 12;
        private int encoderLayers = 12;
        private int decoderLayers = 12;
        private FeedForward feedForward = FeedForward.RELU;
        private int relativeBuckets = 32;
        private int relativeMaxDistance = 128;
        private double layerNormEpsilon = 1e-6;
        private double dropout = 0.1;
        private Head head = Head.TIED_SCALED;
        private Embedding embedding = Embedding.SHARED;
        private int padId;
        private int eosId = 1;
        private int decoderStartId;
        private Optional<SwitchConfig> sparse = Optional.empty();

        private Builder() {}

        private Builder(T5Config config) {
            vocabularySize = config.vocabularySize;
            modelSize = config.modelSize;
            keySize = config.keySize;
            feedForwardSize = config.feedForwardSize;
            heads = config.heads;
            encoderLayers = config.encoderLayers;
            decoderLayers = config.decoderLayers;
            feedForward = config.feedForward;
            relativeBuckets = config.relativeBuckets;
            relativeMaxDistance = config.relativeMaxDistance;
            layerNormEpsilon = config.layerNormEpsilon;
            dropout = config.dropout;
            head = config.head;
            embedding = config.embedding;
            padId = config.padId;
            eosId = config.eosId;
            decoderStartId = config.decoderStartId;
            sparse = config.sparse;
        }

        public Builder vocabularySize(int value) {
            vocabularySize = value;
            return this;
        }

        public Builder modelSize(int value) {
            modelSize = value;
            return this;
        }

        public Builder keySize(int value) {
            keySize = value;
            return this;
        }

        public Builder feedForwardSize(int value) {
            feedForwardSize = value;
            return this;
        }

        public Builder heads(int value) {
            heads = value;
            return this;
        }

        public Builder encoderLayers(int value) {
            encoderLayers = value;
            return this;
        }

        public Builder decoderLayers(int value) {
            decoderLayers = value;
            return this;
        }

        public Builder feedForward(FeedForward value) {
            feedForward = value;
            return this;
        }

        public Builder relativeBuckets(int value) {
            relativeBuckets = value;
            return this;
        }

        public Builder relativeMaxDistance(int value) {
            relativeMaxDistance = value;
            return this;
        }

        public Builder layerNormEpsilon(double value) {
            layerNormEpsilon = value;
            return this;
        }

        public Builder dropout(double value) {
            dropout = value;
            return this;
        }

        public Builder head(Head value) {
            head = value;
            return this;
        }

        public Builder embedding(Embedding value) {
            embedding = value;
            return this;
        }

        public Builder padId(int value) {
            padId = value;
            return this;
        }

        public Builder eosId(int value) {
            eosId = value;
            return this;
        }

        public Builder decoderStartId(int value) {
            decoderStartId = value;
            return this;
        }

        public Builder sparse(SwitchConfig value) {
            sparse = Optional.of(value);
            return this;
        }

        public Builder dense() {
            sparse = Optional.empty();
            return this;
        }

        private void contradictions(Contradictions found) {
            found.check(
                            relativeMaxDistance > relativeBuckets / 2,
                            "relative position distance " + relativeMaxDistance + " must exceed half of the "
                                    + relativeBuckets + " buckets")
                    .check(
                            embedding == Embedding.SHARED || !head.tied(),
                            "a head that is tied needs one embedding for both stacks, not " + embedding)
                    .check(padId != eosId, "padding and end of sequence share the id " + padId);
            checkId(found, "padding", padId, vocabularySize);
            checkId(found, "end-of-sequence", eosId, vocabularySize);
            checkId(found, "decoder start", decoderStartId, vocabularySize);
            sparse.ifPresent(layers -> {
                layers.contradictions(found);
                found.check(
                                head == Head.TIED_SCALED || head == Head.UNTIED,
                                "a Switch model's head is tied and scaled or untied and unscaled, not " + head)
                        .check(
                                layers.sparseEncoderLayers() <= encoderLayers,
                                layers.sparseEncoderLayers() + " sparse encoder layers do not fit in " + encoderLayers)
                        .check(
                                layers.sparseDecoderLayers() <= decoderLayers,
                                layers.sparseDecoderLayers() + " sparse decoder layers do not fit in " + decoderLayers);
            });
        }

        /** @throws dev.sparkswitch.base.UserException naming all that is wrong by itself or in contradiction */
        public T5Config build() {
            Contradictions found = new Contradictions();
            Optional<T5Config> config = found.attempt(this::construct);
            contradictions(found);
            config.ifPresent(made -> made.layerContradictions(found));
            found.raise("");
            return config.orElseThrow();
        }

        private T5Config construct() {
            return new T5Config(
                    vocabularySize,
                    modelSize,
                    keySize,
                    feedForwardSize,
                    heads,
                    encoderLayers,
                    decoderLayers,
                    feedForward,
                    relativeBuckets,
                    relativeMaxDistance,
                    layerNormEpsilon,
                    dropout,
                    head,
                    embedding,
                    padId,
                    eosId,
                    decoderStartId,
                    sparse);
        }
    }
}
