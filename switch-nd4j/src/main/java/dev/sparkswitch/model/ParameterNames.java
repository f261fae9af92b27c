package dev.sparkswitch.model;

/**
 * Hugging Face's names of parameters, those of SwitchTransformersForConditionalGeneration for a sparse model and of
 * T5ForConditionalGeneration for a dense one.
 */
public final class ParameterNames {
    /** The token embedding of both stacks, [V, d_model]. */
    public static final String SHARED = "shared.weight";

    /** The output projection of an untied head, [V, d_model]; an alias of {@link #SHARED} for a tied one. */
    public static final String HEAD = "lm_head.weight";

    private final String feedForward;
    private final Embedding embedding;

    public ParameterNames(T5Config config) {
        feedForward = config.sparse().isPresent() ? ".mlp" : ".DenseReluDense";
        embedding = config.embedding();
    }

    /** The token embedding that {@code stack} reads, [V, d_model]. */
    public String embedding(Stack stack) {
        return switch (embedding) {
            case SHARED -> SHARED;
            case PER_STACK -> ownEmbedding(stack);
        };
    }

    /** A stack's own embedding; an alias of {@link #SHARED} where both stacks read one. */
    public static String ownEmbedding(Stack stack) {
        return stack.key() + ".embed_tokens.weight";
    }

    /** The norm after the last block of {@code stack}. */
    public String finalNorm(Stack stack) {
        return stack.key() + ".final_layer_norm.weight";
    }

    /** The prefix of self-attention; {@code .q.weight}, {@code .k.weight}, {@code .v.weight}, {@code .o.weight} follow. */
    public String selfAttention(Stack stack, int layer) {
        return block(stack, layer) + ".layer.0.SelfAttention";
    }

    /** The norm before self-attention. */
    public String selfAttentionNorm(Stack stack, int layer) {
        return block(stack, layer) + ".layer.0.layer_norm.weight";
    }

    /** The relative position bias, which block 0 holds for its whole stack. */
    public String relativeBias(Stack stack) {
        return selfAttention(stack, 0) + ".relative_attention_bias.weight";
    }

    /** The prefix of a decoder block's attention to the encoder. */
    public String crossAttention(int layer) {
        return block(Stack.DECODER, layer) + ".layer.1.EncDecAttention";
    }

    /** The norm before attention to the encoder. */
    public String crossAttentionNorm(int layer) {
        return block(Stack.DECODER, layer) + ".layer.1.layer_norm.weight";
    }

    /** The prefix of a dense feed-forward layer; {@code .wi.weight} or {@code .wi_0.weight} and so on follow. */
    public String feedForward(Stack stack, int layer) {
        return feedForwardLayer(stack, layer) + feedForward;
    }

    /** The norm before the feed-forward layer, dense or sparse. */
    public String feedForwardNorm(Stack stack, int layer) {
        return feedForwardLayer(stack, layer) + ".layer_norm.weight";
    }

    /** The router's projection, [E, d_model]. */
    public String router(Stack stack, int layer) {
        return feedForward(stack, layer) + ".router.classifier.weight";
    }

    /** The prefix of an expert; {@code .wi.weight} or {@code .wi_0.weight} and so on follow. */
    public String expert(Stack stack, int layer, int expert) {
        return feedForward(stack, layer) + ".experts.expert_" + expert;
    }

    /** The projection of the router in a block's self-attention, [E, d_model]; Hugging Face has no such layer. */
    public String attentionRouter(Stack stack, int layer) {
        return selfAttention(stack, layer) + ".router.classifier.weight";
    }

    /** The prefix of an expert of self-attention; {@code .q.weight} and so on follow. */
    public String attentionExpert(Stack stack, int layer, int expert) {
        return selfAttention(stack, layer) + ".experts.expert_" + expert;
    }

    private static String block(Stack stack, int layer) {
        return stack.key() + ".block." + layer;
    }

    private static String feedForwardLayer(Stack stack, int layer) {
        return block(stack, layer) + (stack == Stack.ENCODER ? ".layer.1" : ".layer.2");
    }
}
