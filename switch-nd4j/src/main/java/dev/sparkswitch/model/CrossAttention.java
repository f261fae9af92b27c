package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.List;

/** The decoder's attention to the encoder's output; no position bias (T5). */
final class CrossAttention implements Sublayer {
    private final Weight query;
    private final Weight keyValue;
    private final Weight output;
    private final double dropout;
    private final int site;
    private final int width;

    CrossAttention(Parameters parameters, T5Config config, int layer, int site) {
        String prefix = new ParameterNames(config).crossAttention(layer);
        this.query = parameters.single(prefix + ".q.weight");
        this.keyValue = parameters.stacked(List.of(prefix + ".k.weight", prefix + ".v.weight"));
        this.output = parameters.single(prefix + ".o.weight");
        this.dropout = config.dropout();
        this.site = site;
        this.width = config.attentionSize();
    }

    private record Kept(Tensor x, Tensor q, Tensor kv, Engine.Attention attention) implements Saved {
        @Override
        public void close() {
            x.close();
            q.close();
            kv.close();
            attention.result().close();
            attention.saved().close();
        }
    }

    private static AttentionShape shape(StackPass pass) {
        return new AttentionShape(
                pass.rows(),
                pass.self().heads(),
                pass.self().headSize(),
                pass.length(),
                pass.memory().length(),
                AttentionShape.Order.FULL);
    }

    private Dropout dropout(StackPass pass) {
        return pass.rowsDropout(
                RandomStream.ATTENTION_DROPOUT, site, dropout, pass.self().heads() * pass.length());
    }

    private AttentionInputs inputs(StackPass pass, Tensor q, Tensor kv) {
        return new AttentionInputs(
                q,
                kv.columns(0, width),
                kv.columns(width, 2 * width),
                null,
                pass.querySegments(),
                pass.memory().keySegments());
    }

    /** Keys and values [rows * length, 2 * width] of the encoder's output, the same at every step of a generation. */
    Tensor keysAndValues(Engine engine, Tensor hidden) {
        return engine.linear(hidden, keyValue.value());
    }

    /** Attends with keys and values made before, and keeps nothing; x stays the caller's. */
    Tensor attend(StackPass pass, Tensor x, Tensor kv) {
        Engine engine = pass.engine();
        try (Tensor q = engine.linear(x, query.value())) {
            Engine.Attention attention = engine.attention(shape(pass), inputs(pass, q, kv), Dropout.NONE);
            try (Tensor result = attention.result();
                    Tensor saved = attention.saved()) {
                return engine.linear(result, output.value());
            }
        }
    }

    @Override
    public Forward forward(StackPass pass, Tensor x) {
        Engine engine = pass.engine();
        Tensor q = engine.linear(x, query.value());
        Tensor kv = keysAndValues(engine, pass.memory().hidden());
        Engine.Attention attention = engine.attention(shape(pass), inputs(pass, q, kv), dropout(pass));
        Tensor delta = engine.linear(attention.result(), output.value());
        return new Forward(delta, new Kept(x, q, kv, attention));
    }

    @Override
    public Tensor backward(StackPass pass, Saved saved, Tensor dDelta) {
        Engine engine = pass.engine();
        StackPass.Memory memory = pass.memory();
        try (Kept kept = (Kept) saved;
                Tensor dResult = engine.allocate(dDelta.type(), dDelta.rows(), width);
                Tensor dq = engine.allocate(dDelta.type(), kept.q().shape());
                Tensor dKv = engine.allocate(dDelta.type(), kept.kv().shape())) {
            engine.linearWeightGradient(dDelta, kept.attention().result(), output.gradient(), output.nextWrite());
            engine.linearInputGradient(dDelta, output.value(), dResult, Write.SET);
            engine.attentionBackward(
                    shape(pass),
                    inputs(pass, kept.q(), kept.kv()),
                    kept.attention(),
                    dropout(pass),
                    dResult,
                    new AttentionGradients(dq, dKv.columns(0, width), dKv.columns(width, 2 * width), null));
            engine.linearWeightGradient(dKv, memory.hidden(), keyValue.gradient(), keyValue.nextWrite());
            engine.linearInputGradient(dKv, keyValue.value(), memory.dHidden(), Write.ADD);
            engine.linearWeightGradient(dq, kept.x(), query.gradient(), query.nextWrite());
            Tensor dx = engine.allocate(dDelta.type(), kept.x().shape());
            engine.linearInputGradient(dq, query.value(), dx, Write.SET);
            return dx;
        }
    }
}
