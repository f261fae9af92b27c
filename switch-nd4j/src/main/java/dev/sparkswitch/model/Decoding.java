package dev.sparkswitch.model;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writing targets token by token: the encoder runs once, keys and values of past positions are kept, and each step costs one
 * position a row. Not safe for use by several threads; one at a time on an engine.
 */
public final class Decoding implements AutoCloseable {
    private final SwitchTransformer model;
    private final Engine engine;
    private final T5Config config;
    private final int rows;
    private final int positions;
    private final Tensor memoryKeySegments;
    private final int memoryLength;
    private final List<Tensor> crossKeysAndValues = new ArrayList<>();
    private final List<Tensor> caches = new ArrayList<>();
    private final Tensor querySegments;
    private final Tensor routed;
    private int position;

    /**
     * Encodes a batch and makes ready to decode.
     *
     * @param batch its inputs are read; its targets are not
     * @param positions the most tokens a row that will be decoded, the start included
     */
    public Decoding(SwitchTransformer model, Batch batch, int positions) {
        this.model = model;
        this.engine = model.engine();
        this.config = model.config();
        this.rows = batch.rows();
        this.positions = positions;
        this.memoryLength = batch.inputLength();
        this.memoryKeySegments = batch.inputKeySegments();
        int[] ones = new int[rows];
        Arrays.fill(ones, 1);
        this.querySegments = Batch.upload(engine, ones);
        this.routed = Batch.upload(engine, ones);
        try (Tensor encoded = model.encode(batch, PassSettings.forwardOnly(Phase.GENERATE))) {
            for (CrossAttention cross : model.decoder().crossAttentions()) {
                crossKeysAndValues.add(cross.keysAndValues(engine, encoded));
                Tensor cache =
                        engine.allocate(engine.precision().compute(), rows, positions, 2 * config.attentionSize());
                // Keys past the position are masked, but 0 * NaN would not be 0.
                engine.fill(cache, 0);
                caches.add(cache);
            }
        }
    }

    /** The number of tokens a row that have been read. */
    public int position() {
        return position;
    }

    /**
     * Reads one token a row.
     *
     * @param ids the tokens, the start token first
     * @return the logits of what comes next [rows, V], master type
     */
    public Tensor step(int[] ids) {
        if (position == positions) {
            throw new IllegalStateException("all " + positions + " positions are decoded");
        }
        int[] seen = new int[rows * positions];
        for (int row = 0; row < rows; row++) {
            Arrays.fill(seen, row * positions, row * positions + position + 1, 1);
        }
        try (Tensor tokens = Batch.upload(engine, ids);
                Tensor keySegments = Batch.upload(engine, seen);
                Tensor bias = model.decoder().bias(engine, position, positions)) {
            StackPass pass = new StackPass(
                    engine,
                    PassSettings.forwardOnly(Phase.GENERATE),
                    rows,
                    1,
                    0,
                    new AttentionShape(rows, config.heads(), config.keySize(), 1, positions, AttentionShape.Order.FULL),
                    querySegments,
                    keySegments,
                    tokens,
                    routed,
                    bias,
                    null,
                    new StackPass.Memory(null, null, memoryKeySegments, memoryLength));
            try (Tensor hidden = run(pass, model.embed(tokens))) {
                position++;
                return model.logits(hidden);
            }
        }
    }

    private Tensor run(StackPass pass, Tensor embedded) {
        LayerStack layers = model.decoder().layers();
        Tensor stream = embedded;
        Tensor delta = null;
        int layer = 0;
        for (int i = 0; i <= layers.branches().size(); i++) {
            Engine.Normalized next =
                    engine.addNorm(stream, delta, Dropout.NONE, layers.norm(i).value(), layers.epsilon());
            next.inverseRms().close();
            if (delta != null) {
                delta.close();
                stream.close();
            }
            stream = next.sum();
            if (i == layers.branches().size()) {
                stream.close();
                return next.normalized();
            }
            Sublayer branch = layers.branches().get(i);
            if (branch instanceof SelfAttention attention) {
                try (Tensor x = next.normalized()) {
                    delta = attention.extend(pass, x, caches.get(layer), position);
                }
            } else if (branch instanceof CrossAttention attention) {
                try (Tensor x = next.normalized()) {
                    delta = attention.attend(pass, x, crossKeysAndValues.get(layer));
                }
            } else {
                Sublayer.Forward forward = branch.forward(pass, next.normalized());
                forward.saved().close();
                delta = forward.delta();
                layer++;
            }
        }
        throw new IllegalStateException("a stack ends with a norm");
    }

    @Override
    public void close() {
        crossKeysAndValues.forEach(Tensor::close);
        caches.forEach(Tensor::close);
        querySegments.close();
        routed.close();
    }
}
