package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/** softmax(q k^T + bias) v over the positions of a sequence; unscaled, no projection biases (T5). */
final class SelfAttention implements Sublayer {
    private final AttentionProjections projections;
    private final double dropout;
    private final int site;
    private final int width;

    SelfAttention(AttentionProjections projections, T5Config config, int site) {
        this.projections = projections;
        this.dropout = config.dropout();
        this.site = site;
        this.width = config.attentionSize();
    }

    private record Kept(Tensor x, AttentionProjections.Projected projected, Tensor qkv, Engine.Attention attention)
            implements Saved {
        /** Closes all but the projections. */
        private void closeInside() {
            x.close();
            qkv.close();
            attention.result().close();
            attention.saved().close();
        }

        @Override
        public void close() {
            closeInside();
            projected.close();
        }
    }

    private Dropout dropout(StackPass pass) {
        return pass.rowsDropout(
                RandomStream.ATTENTION_DROPOUT, site, dropout, pass.self().heads() * pass.length());
    }

    private AttentionInputs inputs(StackPass pass, Tensor qkv) {
        return new AttentionInputs(
                qkv.columns(0, width),
                qkv.columns(width, 2 * width),
                qkv.columns(2 * width, 3 * width),
                pass.bias(),
                pass.querySegments(),
                pass.keySegments());
    }

    @Override
    public boolean exchangesTokens() {
        return projections.exchangesTokens();
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        return attend(pass, x, projections.begin(pass, x));
    }

    @Override
    public Saved forgo(Saved saved) {
        Kept kept = (Kept) saved;
        kept.closeInside();
        return kept.projected().forgo();
    }

    @Override
    public Saved rerun(StackPass pass, Tensor x, Saved left) {
        Forward again = attend(pass, x, projections.again(pass, x, left));
        again.delta().close();
        return again.saved();
    }

    private Forward attend(StackPass pass, Tensor x, AttentionProjections.Projected projected) {
        Engine engine = pass.engine();
        Tensor qkv = projected.queryKeyValue();
        Engine.Attention attention = engine.attention(pass.self(), inputs(pass, qkv), dropout(pass));
        Tensor delta = projected.output(attention.result());
        return new Forward(delta, new Kept(x, projected, qkv, attention));
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        try (Kept kept = (Kept) saved;
                Tensor dResult =
                        kept.projected().outputBackward(kept.attention().result(), dDelta);
                Tensor dQkv = engine.allocate(dDelta.type(), dDelta.rows(), 3 * width)) {
            engine.attentionBackward(
                    pass.self(),
                    inputs(pass, kept.qkv()),
                    kept.attention(),
                    dropout(pass),
                    dResult,
                    new AttentionGradients(
                            dQkv.columns(0, width),
                            dQkv.columns(width, 2 * width),
                            dQkv.columns(2 * width, 3 * width),
                            pass.dBias()));
            return kept.projected().queryKeyValueBackward(dQkv);
        }
    }

    /**
     * Attends from one new position a row to all positions so far, and keeps nothing; x stays the caller's.
     *
     * @param x the normalised stream of the new positions [rows, d_model]
     * @param cache keys and values of the positions so far [rows, positions, 2 * width]; those of the new one are added
     * @param position the place of the new position
     */
    Tensor extend(StackPass pass, Tensor x, Tensor cache, int position) {
        Engine engine = pass.engine();
        try (AttentionProjections.Projected projected = projections.begin(pass, x);
                Tensor qkv = projected.queryKeyValue()) {
            engine.append(qkv.columns(width, 3 * width), cache, position);
            Tensor keysAndValues = cache.reshape(cache.rows(), 2 * width);
            AttentionInputs inputs = new AttentionInputs(
                    qkv.columns(0, width),
                    keysAndValues.columns(0, width),
                    keysAndValues.columns(width, 2 * width),
                    pass.bias(),
                    pass.querySegments(),
                    pass.keySegments());
            Engine.Attention attention = engine.attention(pass.self(), inputs, Dropout.NONE);
            try (Tensor result = attention.result();
                    Tensor saved = attention.saved()) {
                return projected.output(result);
            }
        }
    }
}
