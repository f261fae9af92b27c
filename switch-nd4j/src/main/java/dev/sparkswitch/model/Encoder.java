package dev.sparkswitch.model;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Tensor;

/** Blocks of self-attention and feed-forward over the input. */
final class Encoder {
    private final T5Config config;
    private final LayerStack layers;
    private final Weight relativeBias;

    Encoder(Construction construction) {
        this.config = construction.config();
        ParameterNames names = construction.names();
        Parameters parameters = construction.parameters();
        this.layers = new LayerStack(config, parameters);
        Weight bias = null;
        for (int layer = 0; layer < config.encoderLayers(); layer++) {
            Sublayer attention = construction.selfAttention(Stack.ENCODER, layer);
            if (layer == 0) {
                bias = parameters.single(names.relativeBias(Stack.ENCODER));
            }
            layers.add(
                    parameters.single(names.selfAttentionNorm(Stack.ENCODER, layer)),
                    attention,
                    construction.nextSite());
            Sublayer feedForward = construction.feedForward(Stack.ENCODER, layer);
            layers.add(
                    parameters.single(names.feedForwardNorm(Stack.ENCODER, layer)),
                    feedForward,
                    construction.nextSite());
        }
        layers.end(parameters.single(names.finalNorm(Stack.ENCODER)), construction.nextSite());
        this.relativeBias = bias;
    }

    /** A pass through the encoder that may be turned back. */
    record Forward(StackPass pass, LayerStack.Forward stack) implements AutoCloseable {
        /** [rows * inputLength, d_model]. */
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

    private RelativePositions positions(int length) {
        return new RelativePositions(
                0,
                length,
                length,
                config.relativeBuckets(),
                config.relativeMaxDistance(),
                RelativePositions.Direction.BOTH);
    }

    private StackPass pass(Engine engine, Batch batch, PassSettings settings) {
        int length = batch.inputLength();
        return new StackPass(
                engine,
                settings,
                batch.rows(),
                length,
                batch.firstRow(),
                new AttentionShape(
                        batch.rows(), config.heads(), config.keySize(), length, length, AttentionShape.Order.FULL),
                batch.inputQuerySegments(),
                batch.inputKeySegments(),
                batch.inputs(),
                batch.inputRouted(),
                engine.relativeBias(relativeBias.value(), positions(length)),
                null,
                null);
    }

    /** Runs the encoder on embeddings [rows * inputLength, d_model], which it owns from here on. */
    Forward forward(Engine engine, Batch batch, PassSettings settings, Tensor embedded) {
        StackPass pass = pass(engine, batch, settings);
        return new Forward(pass, layers.forward(pass, embedded));
    }

    /** The output [rows * inputLength, d_model] of a pass that is never turned back; owns the embeddings. */
    Tensor run(Engine engine, Batch batch, PassSettings settings, Tensor embedded) {
        StackPass pass = pass(engine, batch, settings);
        try (Tensor bias = pass.bias()) {
            return layers.run(engine, embedded, (branch, x) -> {
                Sublayer.Forward forward = branch.forward(pass, x);
                forward.saved().close();
                return forward.delta();
            });
        }
    }

    /** Adds the weights' gradients, returns that of the embeddings; closes {@code dOutput} and the forward pass. */
    Tensor backward(Forward forward, Tensor dOutput) {
        Engine engine = forward.pass().engine();
        int length = forward.pass().length();
        try (Tensor bias = forward.pass().bias();
                Tensor output = forward.output();
                Tensor dBias = engine.allocate(bias.type(), bias.shape())) {
            engine.fill(dBias, 0);
            Tensor dEmbedded = layers.backward(
                    forward.pass().withBiasGradient(dBias), forward.stack().kept(), dOutput);
            engine.relativeBiasGradient(dBias, positions(length), relativeBias.gradient(), relativeBias.nextWrite());
            layers.completeGradients();
            return dEmbedded;
        }
    }
}
