package dev.sparkswitch.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.RouterPrecision;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code config.json} of transformers' SwitchTransformersForConditionalGeneration or T5ForConditionalGeneration, as
 * a {@link T5Config} and back.
 *
 * <p>What Hugging Face has no field for stands under {@code sparkswitch}: {@code router} as {@link RouterFields} has it,
 * {@code capacity {mode, group-rows, train-factor, eval-factor, minimum, tokens, route-padding}},
 * {@code losses {balance, z}}, {@code expert-dropout}, {@code embedding} (shared or per-stack), {@code expert-widths},
 * {@code attention} (dense or switch), {@code layer-experts}. A folder without it runs as Hugging Face does: top-1, an
 * absolute capacity a sequence, padding routed, and inside the experts the dropout of everywhere else. Fields that
 * are not the model's are ignored; an unknown one under {@code sparkswitch} is refused. Hugging Face's
 * {@code router_aux_loss_coef} weighs a loss of another normalisation and is not read; the balance loss is the paper's.
 */
public final class HuggingFaceConfig {
    private static final String SWITCH = "switch_transformers";
    private static final String T5 = "t5";
    private static final String NATIVE = "sparkswitch";
    private static final Set<String> T5_FIELDS = Set.of("embedding");
    private static final Set<String> SWITCH_FIELDS = Set.of(
            "router",
            "capacity",
            "losses",
            "expert-dropout",
            "embedding",
            "expert-widths",
            "attention",
            "layer-experts");

    /** What the tensors beside a {@code config.json} say of the head; they are believed before it. */
    public enum HeadTensor {
        /** The tensors are not known: the configuration decides. */
        UNKNOWN,
        /** There is no {@code lm_head.weight}, or one that equals the embedding. */
        SHARED,
        /** There is an {@code lm_head.weight} that differs from the embedding. */
        OWN
    }

    private HuggingFaceConfig() {}

    /**
     * Reads a configuration.
     *
     * @param tree the content of {@code config.json}
     * @param where the file, for messages
     * @param headTensor what the tensors say; an own head overrules {@code tie_word_embeddings: true}
     * @throws UserException naming the file and every field that is missing, malformed or in contradiction
     */
    public static T5Config read(JsonNode tree, String where, HeadTensor headTensor) {
        return read(tree, where, headTensor, Optional.empty());
    }

    /**
     * Reads a configuration; see {@link #read(JsonNode, String, HeadTensor)}.
     *
     * @param embedding what the tensors say of the stacks' embeddings, believed before the configuration; empty where
     *     they are not known
     */
    public static T5Config read(JsonNode tree, String where, HeadTensor headTensor, Optional<Embedding> embedding) {
        Contradictions found = new Contradictions();
        JsonFields fields = new JsonFields(tree, "", found);
        String type = fields.text("model_type", null);
        boolean isSwitch = SWITCH.equals(type);
        found.check(
                type == null || isSwitch || T5.equals(type),
                "model_type is '" + type + "' but only 't5' and 'switch_transformers' are known");

        int encoderLayers = fields.integer("num_layers", 1);
        T5Config.Builder builder = T5Config.builder()
                .vocabularySize(fields.integer("vocab_size", 1))
                .modelSize(fields.integer("d_model", 1))
                .keySize(fields.integer("d_kv", 1))
                .feedForwardSize(fields.integer("d_ff", 1))
                .heads(fields.integer("num_heads", 1))
                .encoderLayers(encoderLayers)
                .decoderLayers(fields.integer("num_decoder_layers", 1, encoderLayers))
                .feedForward(feedForward(fields, found))
                .relativeBuckets(fields.integer("relative_attention_num_buckets", 1, 32))
                .relativeMaxDistance(fields.integer("relative_attention_max_distance", 1, 128))
                .layerNormEpsilon(fields.number("layer_norm_epsilon", 1e-6))
                .dropout(fields.number("dropout_rate", 0.1))
                .head(head(fields, isSwitch, headTensor));
        JsonFields own = fields.object(NATIVE, isSwitch ? SWITCH_FIELDS : T5_FIELDS);
        builder.embedding(embedding.orElse(embedding(own, found)));
        int padId = fields.integer("pad_token_id", 0, 0);
        builder.padId(padId)
                .eosId(fields.integer("eos_token_id", 0, 1))
                .decoderStartId(fields.integer("decoder_start_token_id", 0, padId));
        found.check(!fields.flag("router_bias", false), "router_bias is true but routers have no bias");
        if (isSwitch) {
            readSparse(fields, own, found).ifPresent(builder::sparse);
        }
        // A field that could not be read holds a stand-in, so that checks across fields would mislead.
        Optional<T5Config> config = found.isEmpty() ? found.attempt(builder::build) : Optional.empty();
        found.raise(where + ": ");
        return config.orElseThrow();
    }

    /** The {@code config.json} of a model of ours: Hugging Face's fields, and the native ones of a sparse model. */
    public static ObjectNode write(T5Config config) {
        ObjectNode tree = hostFields(config);
        config.sparse().ifPresent(sparse -> tree.set(NATIVE, nativeFields(sparse)));
        if (config.embedding() != Embedding.SHARED) {
            tree.withObject("/" + NATIVE).put("embedding", config.embedding().key());
        }
        return tree;
    }

    /**
     * The {@code config.json} with which transformers runs this model as we do without drops. The native fields stand in it
     * too, which transformers passes over, so that reading it gives this configuration again. What only training knows of,
     * exploration beyond jitter and rerouting among it, is in them alone.
     *
     * @param longestLength the longest sequence to expect; it becomes {@code expert_capacity}, which then drops nothing.
     *     A capacity a sequence is Hugging Face's own and stays as it is
     * @throws UserException naming what Hugging Face cannot express
     */
    public static ObjectNode export(T5Config config, int longestLength) {
        Contradictions found = new Contradictions();
        config.sparse().ifPresent(sparse -> {
            RouterConfig router = sparse.router();
            found.check(
                            router instanceof RouterConfig.TopK top && top.k() == 1,
                            "it sends each token to the one expert of the highest probability, but here router is "
                                    + RouterFields.write(router))
                    .check(
                            config.feedForward() == FeedForward.RELU,
                            "its feed-forward layers are ungated, but here they are " + config.feedForward())
                    .check(
                            sparse.expertWidths().isEmpty(),
                            "its experts have one width, but here they have " + sparse.expertWidths())
                    .check(
                            sparse.layerExperts().isEmpty(),
                            "its sparse layers have as many experts each, but here they have " + sparse.layerExperts())
                    .check(
                            sparse.attention() == AttentionForm.DENSE,
                            "it has no experts in attention, as there are here");
        });
        found.raise("Hugging Face's Switch model cannot express this one, which cannot be exported but kept as a"
                + " checkpoint: ");
        ObjectNode tree = write(config);
        config.sparse()
                .filter(sparse -> sparse.capacity().mode() != CapacityMode.PER_SEQUENCE)
                .ifPresent(sparse -> tree.put("expert_capacity", longestLength));
        return tree;
    }

    private static Embedding embedding(JsonFields own, Contradictions found) {
        String key = own.text("embedding", Embedding.SHARED.key());
        Optional<Embedding> embedding = Embedding.find(key);
        found.check(embedding.isPresent(), "sparkswitch.embedding '" + key + "' is not known");
        return embedding.orElse(Embedding.SHARED);
    }

    private static Optional<SwitchConfig> readSparse(JsonFields fields, JsonFields own, Contradictions found) {
        JsonFields losses = own.object("losses", Set.of("balance", "z"));
        int experts = fields.integer("num_experts", 1);
        int sparseEncoderLayers =
                sparseLayers(fields, found, "encoder_sparse_step", "num_layers", "num_sparse_encoder_layers");
        int sparseDecoderLayers =
                sparseLayers(fields, found, "decoder_sparse_step", "num_decoder_layers", "num_sparse_decoder_layers");
        double balance = losses.number("balance", SwitchConfig.DEFAULT_BALANCE_LOSS);
        double z = losses.number("z", fields.number("router_z_loss_coef", 0));
        double expertDropout = own.number("expert-dropout", fields.number("dropout_rate", 0.1));
        List<Integer> widths = own.integers("expert-widths", 1);
        List<Integer> layerExperts = own.integers("layer-experts", 1);
        String attentionKey = own.text("attention", AttentionForm.DENSE.key());
        Optional<AttentionForm> attention = AttentionForm.find(attentionKey);
        found.check(attention.isPresent(), "sparkswitch.attention '" + attentionKey + "' is not known");
        Optional<RouterConfig> router = RouterFields.read(fields, own, found);
        RouterPrecision precision = RouterFields.readPrecision(fields, found);
        Optional<CapacityConfig> capacity = readCapacity(fields, own, found);
        if (!found.isEmpty()) {
            return Optional.empty();
        }
        return found.attempt(() ->
                SwitchConfig.of(experts, sparseEncoderLayers, sparseDecoderLayers, capacity.orElseThrow()).toBuilder()
                        .router(router.orElseThrow())
                        .balanceLoss(balance)
                        .routerZLoss(z)
                        .expertDropout(expertDropout)
                        .expertWidths(widths)
                        .layerExperts(layerExperts)
                        .attention(attention.orElseThrow())
                        .routerPrecision(precision)
                        .build());
    }

    private static Optional<CapacityConfig> readCapacity(JsonFields fields, JsonFields own, Contradictions found) {
        JsonFields capacity = own.object(
                "capacity",
                Set.of("mode", "group-rows", "train-factor", "eval-factor", "minimum", "tokens", "route-padding"));
        String key = capacity.text("mode", CapacityMode.PER_SEQUENCE.key());
        Optional<CapacityMode> mode = CapacityMode.find(key);
        found.check(mode.isPresent(), "sparkswitch.capacity.mode '" + key + "' is not known");
        if (mode.isEmpty()) {
            return Optional.empty();
        }
        return switch (mode.get()) {
            case GROUP -> {
                int rows = capacity.integer("group-rows", 1);
                double train = capacity.number("train-factor", 1.25);
                double evaluation = capacity.number("eval-factor", 2.0);
                int minimum = capacity.integer("minimum", 1, 4);
                boolean padding = capacity.flag("route-padding", false);
                yield found.attempt(
                        () -> new CapacityConfig(CapacityMode.GROUP, rows, train, evaluation, minimum, 0, padding));
            }
            case PER_SEQUENCE -> {
                int tokens = capacity.integer("tokens", 1, fields.integer("expert_capacity", 1, 64));
                boolean padding = capacity.flag("route-padding", true);
                yield found.attempt(() -> new CapacityConfig(CapacityMode.PER_SEQUENCE, 0, 0, 0, 0, tokens, padding));
            }
        };
    }

    /**
     * The number of sparse layers of a stack. Their placement follows from it; a file that states another step means
     * another model. One form is transformers' own: for no sparse layers it stores a step of all layers, and then runs
     * block 1 as a sparse one.
     */
    private static int sparseLayers(JsonFields fields, Contradictions found, String step, String all, String sparse) {
        int layers = fields.integer(all, 1, fields.integer("num_layers", 1));
        int sparseLayers = fields.integer(sparse, 0);
        int expected = sparseLayers == 0 ? 0 : layers / sparseLayers;
        int stated = fields.integer(step, 0, expected);
        if (sparseLayers == 0 && stated == layers) {
            return 1;
        }
        found.check(
                stated == expected,
                step + " is " + stated + " but " + sparseLayers + " sparse layers of " + layers + " give " + expected);
        return sparseLayers;
    }

    private static FeedForward feedForward(JsonFields fields, Contradictions found) {
        String activation = fields.text("dense_act_fn", "relu");
        String stated = fields.flag("is_gated_act", false) ? "gated-" + activation : activation;
        String form = fields.text("feed_forward_proj", stated);
        switch (form) {
            case "relu":
                return FeedForward.RELU;
            case "gated-gelu", "gated-gelu_new":
                return FeedForward.GATED_GELU;
            default:
                found.check(false, "feed-forward form '" + form + "' is neither 'relu' nor 'gated-gelu'");
                return FeedForward.RELU;
        }
    }

    private static Head head(JsonFields fields, boolean isSwitch, HeadTensor headTensor) {
        boolean tied = fields.flag("tie_word_embeddings", true) && headTensor != HeadTensor.OWN;
        boolean scaled = isSwitch ? tied : fields.flag("scale_decoder_outputs", tied);
        return Head.of(tied, scaled);
    }

    private static ObjectNode hostFields(T5Config config) {
        boolean gated = config.feedForward() == FeedForward.GATED_GELU;
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        boolean isSwitch = config.sparse().isPresent();
        tree.putArray("architectures")
                .add(isSwitch ? "SwitchTransformersForConditionalGeneration" : "T5ForConditionalGeneration");
        tree.put("model_type", isSwitch ? SWITCH : T5);
        tree.put("is_encoder_decoder", true);
        tree.put("vocab_size", config.vocabularySize());
        tree.put("d_model", config.modelSize());
        tree.put("d_kv", config.keySize());
        tree.put("d_ff", config.feedForwardSize());
        tree.put("num_heads", config.heads());
        tree.put("num_layers", config.encoderLayers());
        tree.put("num_decoder_layers", config.decoderLayers());
        tree.put("feed_forward_proj", gated ? "gated-gelu" : "relu");
        tree.put("dense_act_fn", gated ? "gelu_new" : "relu");
        tree.put("is_gated_act", gated);
        tree.put("relative_attention_num_buckets", config.relativeBuckets());
        tree.put("relative_attention_max_distance", config.relativeMaxDistance());
        tree.put("layer_norm_epsilon", config.layerNormEpsilon());
        tree.put("dropout_rate", config.dropout());
        tree.put("initializer_factor", 1.0);
        tree.put("tie_word_embeddings", config.head().tied());
        if (!isSwitch) {
            tree.put("scale_decoder_outputs", config.head().scaled());
        }
        tree.put("pad_token_id", config.padId());
        tree.put("eos_token_id", config.eosId());
        tree.put("decoder_start_token_id", config.decoderStartId());
        tree.put("use_cache", true);
        config.sparse().ifPresent(sparse -> {
            tree.put("num_experts", sparse.experts());
            tree.put("num_sparse_encoder_layers", sparse.sparseEncoderLayers());
            tree.put("num_sparse_decoder_layers", sparse.sparseDecoderLayers());
            tree.put("encoder_sparse_step", step(config.encoderLayers(), sparse.sparseEncoderLayers()));
            tree.put("decoder_sparse_step", step(config.decoderLayers(), sparse.sparseDecoderLayers()));
            if (sparse.capacity().mode() == CapacityMode.PER_SEQUENCE) {
                tree.put("expert_capacity", sparse.capacity().tokens());
            }
            tree.put("router_bias", false);
            RouterFields.writePrecision(sparse.routerPrecision(), tree);
            tree.put("router_ignore_padding_tokens", false);
            RouterFields.writeHost(sparse.router(), tree);
            tree.put("router_z_loss_coef", sparse.routerZLoss());
            tree.put("router_aux_loss_coef", 0.001);
        });
        return tree;
    }

    private static int step(int layers, int sparseLayers) {
        return sparseLayers == 0 ? 0 : layers / sparseLayers;
    }

    private static ObjectNode nativeFields(SwitchConfig sparse) {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.set("router", RouterFields.write(sparse.router()));
        CapacityConfig capacity = sparse.capacity();
        ObjectNode slots =
                tree.putObject("capacity").put("mode", capacity.mode().key());
        switch (capacity.mode()) {
            case GROUP ->
                slots.put("group-rows", capacity.groupRows())
                        .put("train-factor", capacity.trainFactor())
                        .put("eval-factor", capacity.evalFactor())
                        .put("minimum", capacity.minimum());
            case PER_SEQUENCE -> slots.put("tokens", capacity.tokens());
        }
        slots.put("route-padding", capacity.routePadding());
        tree.putObject("losses").put("balance", sparse.balanceLoss()).put("z", sparse.routerZLoss());
        tree.put("expert-dropout", sparse.expertDropout());
        if (!sparse.expertWidths().isEmpty()) {
            sparse.expertWidths().forEach(tree.putArray("expert-widths")::add);
        }
        if (!sparse.layerExperts().isEmpty()) {
            sparse.layerExperts().forEach(tree.putArray("layer-experts")::add);
        }
        if (sparse.attention() != AttentionForm.DENSE) {
            tree.put("attention", sparse.attention().key());
        }
        return tree;
    }
}
