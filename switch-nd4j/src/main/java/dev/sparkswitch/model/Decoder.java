package dev.sparkswitch.model;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Blocks of causal self-attention, attention to the encoder's output, and feed-forward over the target. */
final class Decoder {
    private final T5Config config;
    private final LayerStack layers;
    private final Weight relativeBias;
    private final List<SelfAttention> selfAttentions = new ArrayList<>();
    private final List<CrossAttention> crossAttentions = new ArrayList<>();

    Decoder(Construction construction) {
        this.config = construction.config();
        ParameterNames names = construction.names();
        Parameters parameters = construction.parameters();
        this.layers = new LayerStack(config, parameters);
        Weight bias = null;
        for (int layer = 0; layer < config.decoderLayers(); layer++) {
            SelfAttention attention = construction.selfAttention(Stack.DECODER, layer);
            selfAttentions.add(attention);
            if (layer == 0) {
                bias = parameters.single(names.relativeBias(Stack.DECODER));
            }
            layers.add(
                    parameters.single(names.selfAttentionNorm(Stack.DECODER, layer)),
                    attention,
                    construction.nextSite());
            CrossAttention cross = new CrossAttention(parameters, config, layer, construction.nextSite());
            crossAttentions.add(cross);
            layers.add(parameters.single(names.crossAttentionNorm(layer)), cross, construction.nextSite());
            Sublayer feedForward = construction.feedForward(Stack.DECODER, layer);
            layers.add(
                    parameters.single(names.feedForwardNorm(Stack.DECODER, layer)),
                    feedForward,
                    construction.nextSite());
        }
        layers.end(parameters.single(names.finalNorm(Stack.DECODER)), construction.nextSite());
        this.relativeBias = bias;
    }

    LayerStack layers() {
        return layers;
    }

    List<SelfAttention> selfAttentions() {
        return selfAttentions;
    }

    List<CrossAttention> crossAttentions() {
        return crossAttentions;
    }

    /** The bias [heads, keys] of one query at {@code position}. */
    Tensor bias(Engine engine, int position, int keys) {
        return engine.relativeBias(relativeBias.value(), positions(position, 1, keys));
    }

    /** A pass through the decoder that may be turned back. */
    record Forward(StackPass pass, LayerStack.Forward stack) implements AutoCloseable {
        /** [rows * targetLength, d_model]. */
        Tensor output() {
            return stack.output();
        }

        @Override
        public void close() {
            stack.output().close();
            stack.kept().close();
            pass.bias().close();
        }
    }

    private RelativePositions positions(int start, int queries, int keys) {
        return new RelativePositions(
                start,
                queries,
                keys,
                config.relativeBuckets(),
                config.relativeMaxDistance(),
                RelativePositions.Direction.BACKWARD);
    }

    /** Runs the decoder on embeddings [rows * targetLength, d_model], which it owns from here on. */
    Forward forward(Engine engine, Batch batch, PassSettings settings, Tensor embedded, Tensor memory) {
        int length = batch.targetLength();
        Tensor bias = engine.relativeBias(relativeBias.value(), positions(0, length, length));
        StackPass pass = new StackPass(
                engine,
                settings,
                batch.rows(),
                length,
                batch.firstRow(),
                new AttentionShape(
                        batch.rows(), config.heads(), config.keySize(), length, length, AttentionShape.Order.CAUSAL),
                batch.targetQuerySegments(),
                batch.targetKeySegments(),
                batch.decoderInputs(),
                batch.targetRouted(),
                bias,
                null,
                new StackPass.Memory(memory, null, batch.inputKeySegments(), batch.inputLength()));
        return new Forward(pass, layers.forward(pass, embedded));
    }

    /**
     * Adds the weights' gradients, returns that of the embeddings; closes {@code dOutput} and the forward pass.
     *
     * @param dMemory the gradient of the encoder's output, added to
     */
    Tensor backward(Forward forward, Tensor dOutput, Tensor dMemory) {
        Engine engine = forward.pass().engine();
        int length = forward.pass().length();
        try (Tensor bias = forward.pass().bias();
                Tensor output = forward.output();
                Tensor dBias = engine.allocate(bias.type(), bias.shape())) {
            engine.fill(dBias, 0);
            StackPass pass = forward.pass().withBiasGradient(dBias).withMemoryGradient(dMemory);
            Tensor dEmbedded = layers.backward(pass, forward.stack().kept(), dOutput);
            engine.relativeBiasGradient(
                    dBias, positions(0, length, length), relativeBias.gradient(), relativeBias.nextWrite());
            layers.completeGradients();
            return dEmbedded;
        }
    }
}
