package dev.sparkswitch.model;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writing targets token by token: the encoder runs once, keys and values of past positions are kept, and each step costs one
 * position a lane. A lane is a target that is being written; at first each input row has one. Not safe for use by several
 * threads; one at a time on an engine.
 */
public final class Decoding implements AutoCloseable {
    private final SwitchTransformer model;
    private final Engine engine;
    private final T5Config config;
    private final int positions;
    private final int[] inputKeySegments;
    private final int memoryLength;
    private final List<Tensor> crossKeysAndValues = new ArrayList<>();
    private final List<Tensor> caches = new ArrayList<>();
    private int[] inputRowOfLane;
    private Tensor memoryKeySegments;
    private Tensor ones;
    private int position;

    /**
     * Encodes a batch and makes ready to decode.
     *
     * @param batch its inputs are read; its targets are not
     * @param positions the most tokens a lane that will be decoded, the start included
     */
    public Decoding(SwitchTransformer model, Batch batch, int positions) {
        this.model = model;
        this.engine = model.engine();
        this.config = model.config();
        this.positions = positions;
        this.memoryLength = batch.inputLength();
        this.inputKeySegments = batch.hostInputKeySegments();
        this.inputRowOfLane = new int[batch.rows()];
        for (int row = 0; row < inputRowOfLane.length; row++) {
            inputRowOfLane[row] = row;
        }
        this.memoryKeySegments = Batch.upload(engine, inputKeySegments);
        this.ones = ones(lanes());
        try (Tensor encoded = model.encode(batch, PassSettings.forwardOnly(Phase.GENERATE))) {
            for (CrossAttention cross : model.decoder().crossAttentions()) {
                crossKeysAndValues.add(cross.keysAndValues(engine, encoded));
                Tensor cache =
                        engine.allocate(engine.precision().compute(), lanes(), positions, 2 * config.attentionSize());
                // Keys past the position are masked, but 0 * NaN would not be 0.
                engine.fill(cache, 0);
                caches.add(cache);
            }
        }
    }

    private Tensor ones(int count) {
        int[] values = new int[count];
        Arrays.fill(values, 1);
        return Batch.upload(engine, values);
    }

    /** Targets that are being written. */
    public int lanes() {
        return inputRowOfLane.length;
    }

    /** The number of tokens a lane that have been read. */
    public int position() {
        return position;
    }

    /**
     * Goes on with other lanes: lane i becomes a copy of what is now lane {@code lanes[i]}. A lane may be taken more than once
     * or not at all.
     */
    public void select(int... lanes) {
        int[] inputRows = new int[lanes.length];
        boolean same = lanes.length == lanes();
        for (int i = 0; i < lanes.length; i++) {
            inputRows[i] = inputRowOfLane[lanes[i]];
            same &= lanes[i] == i;
        }
        if (same) {
            return;
        }
        boolean otherInputs = !Arrays.equals(inputRows, inputRowOfLane);
        try (Tensor indices = Batch.upload(engine, lanes)) {
            for (int layer = 0; layer < caches.size(); layer++) {
                gather(caches, layer, caches.get(layer), indices);
                if (otherInputs) {
                    Tensor rows =
                            crossKeysAndValues.get(layer).reshape(lanes(), memoryLength, 2 * config.attentionSize());
                    gather(crossKeysAndValues, layer, rows, indices);
                }
            }
        }
        if (otherInputs) {
            int[] segments = new int[lanes.length * memoryLength];
            for (int i = 0; i < lanes.length; i++) {
                System.arraycopy(
                        inputKeySegments, inputRows[i] * memoryLength, segments, i * memoryLength, memoryLength);
            }
            memoryKeySegments.close();
            memoryKeySegments = Batch.upload(engine, segments);
        }
        if (lanes.length != lanes()) {
            ones.close();
            ones = ones(lanes.length);
        }
        inputRowOfLane = inputRows;
    }

    private void gather(List<Tensor> tensors, int index, Tensor rows, Tensor indices) {
        Tensor owner = tensors.set(index, engine.gatherRows(rows, indices));
        owner.close();
    }

    /**
     * Reads one token a lane.
     *
     * @param ids the tokens [lanes], the start token first
     * @return the logits of what comes next [lanes, V], master type
     */
    public Tensor step(int[] ids) {
        if (position == positions) {
            throw new IllegalStateException("all " + positions + " positions are decoded");
        }
        if (ids.length != lanes()) {
            throw new IllegalArgumentException(ids.length + " tokens for " + lanes() + " lanes");
        }
        int[] seen = new int[lanes() * positions];
        for (int lane = 0; lane < lanes(); lane++) {
            Arrays.fill(seen, lane * positions, lane * positions + position + 1, 1);
        }
        try (Tensor tokens = Batch.upload(engine, ids);
                Tensor keySegments = Batch.upload(engine, seen);
                Tensor bias = model.decoder().bias(engine, position, positions)) {
            StackPass pass = new StackPass(
                    engine,
                    PassSettings.forwardOnly(Phase.GENERATE),
                    lanes(),
                    1,
                    0,
                    new AttentionShape(
                            lanes(), config.heads(), config.keySize(), 1, positions, AttentionShape.Order.FULL),
                    ones,
                    keySegments,
                    tokens,
                    ones,
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
        int[] layer = {0};
        return model.decoder().layers().run(engine, embedded, (branch, x) -> {
            if (branch instanceof SelfAttention attention) {
                try (x) {
                    return attention.extend(pass, x, caches.get(layer[0]), position);
                }
            }
            if (branch instanceof CrossAttention attention) {
                try (x) {
                    return attention.attend(pass, x, keysAndValues(layer[0]));
                }
            }
            Sublayer.Forward forward = branch.forward(pass, x);
            forward.saved().close();
            layer[0]++;
            return forward.delta();
        });
    }

    private Tensor keysAndValues(int layer) {
        return crossKeysAndValues.get(layer).reshape(lanes() * memoryLength, 2 * config.attentionSize());
    }

    @Override
    public void close() {
        crossKeysAndValues.forEach(Tensor::close);
        caches.forEach(Tensor::close);
        memoryKeySegments.close();
        ones.close();
    }
}
