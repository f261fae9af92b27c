package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.NONE;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.TRANSPOSED;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/** Attention on the host: one (row, head) at a time, by one thread, so that a head's scores stay in its cache. */
final class HostAttention {
    private final HostMemory memory;
    private final DType type;
    private final HostThreads threads;
    private final Multiplier multiplier;
    private final AttentionKernels attentions;

    HostAttention(
            HostMemory memory, DType type, HostThreads threads, Multiplier multiplier, AttentionKernels attentions) {
        this.memory = memory;
        this.type = type;
        this.threads = threads;
        this.multiplier = multiplier;
        this.attentions = attentions;
    }

    private HostTensor floating(int... shape) {
        return HostTensor.owner(memory, type, shape);
    }

    private static HostTensor host(Tensor tensor) {
        return (HostTensor) tensor;
    }

    /** The part of a [rows * length, heads * headSize] matrix that belongs to one row and head: [length, headSize]. */
    private static HostTensor head(HostTensor tensor, AttentionShape shape, int length, int row, int head) {
        return tensor.slice(row * length, (row + 1) * length)
                .columns(head * shape.headSize(), (head + 1) * shape.headSize());
    }

    /** What is done for one row and head, by one thread. */
    private interface HeadBody {
        void run(int row, int head);
    }

    private void forEachHead(AttentionShape shape, HeadBody body) {
        long scores = (long) shape.rows() * shape.heads() * shape.queryLength() * shape.keyLength();
        threads.range(shape.rows() * shape.heads(), scores * 8, (from, to) -> {
            for (int at = from; at < to; at++) {
                body.run(at / shape.heads(), at % shape.heads());
            }
        });
    }

    /** See {@link Engine#attention}. */
    Engine.Attention forward(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        inputs.requireShape("attention", shape);
        HostTensor q = host(inputs.q());
        HostTensor k = host(inputs.k());
        HostTensor v = host(inputs.v());
        HostTensor bias = inputs.bias() == null ? null : host(inputs.bias());
        HostTensor querySegments = host(inputs.querySegments());
        HostTensor keySegments = host(inputs.keySegments());
        HostTensor result = floating(shape.rows() * queries, shape.width());
        HostTensor probabilities = floating(shape.rows() * shape.heads(), queries, keys);
        HostTensor dropped = dropout.active() ? floating(probabilities.shape()) : probabilities;
        forEachHead(shape, (row, head) -> {
            int at = row * shape.heads() + head;
            multiplier.product(
                    queries,
                    keys,
                    shape.headSize(),
                    1,
                    head(q, shape, queries, row, head),
                    NONE,
                    head(k, shape, keys, row, head),
                    TRANSPOSED,
                    0,
                    Products.entry(probabilities, at));
            attentions.softmax(shape, row, head, probabilities, bias, querySegments, keySegments);
            if (dropout.active()) {
                attentions.dropProbabilities(shape, row, head, probabilities, dropout, dropped);
            }
            multiplier.product(
                    queries,
                    shape.headSize(),
                    keys,
                    1,
                    Products.entry(dropped, at),
                    NONE,
                    head(v, shape, keys, row, head),
                    NONE,
                    0,
                    head(result, shape, queries, row, head));
        });
        if (dropout.active()) {
            dropped.close();
        }
        return new Engine.Attention(result, probabilities);
    }

    /** See {@link Engine#attentionBackward}. */
    void backward(
            AttentionShape shape,
            AttentionInputs inputs,
            HostTensor probabilities,
            Dropout dropout,
            HostTensor dResult,
            AttentionGradients gradients) {
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        HostTensor q = host(inputs.q());
        HostTensor k = host(inputs.k());
        HostTensor v = host(inputs.v());
        HostTensor dq = host(gradients.dq());
        HostTensor dk = host(gradients.dk());
        HostTensor dv = host(gradients.dv());
        inputs.requireShape("attentionBackward", shape);
        gradients.requireShape("attentionBackward", shape);
        Nd4jEngine.require(dResult.size() == (long) dq.rows() * shape.width(), "attentionBackward", dResult, dq);
        HostTensor gradient = floating(probabilities.shape());
        HostTensor dropped = dropout.active() ? floating(probabilities.shape()) : probabilities;
        forEachHead(shape, (row, head) -> {
            int at = row * shape.heads() + head;
            if (dropout.active()) {
                attentions.dropProbabilities(shape, row, head, probabilities, dropout, dropped);
            }
            HostTensor dOut = head(dResult, shape, queries, row, head);
            multiplier.product(
                    keys,
                    shape.headSize(),
                    queries,
                    1,
                    Products.entry(dropped, at),
                    TRANSPOSED,
                    dOut,
                    NONE,
                    0,
                    head(dv, shape, keys, row, head));
            HostTensor dScores = Products.entry(gradient, at);
            multiplier.product(
                    queries,
                    keys,
                    shape.headSize(),
                    1,
                    dOut,
                    NONE,
                    head(v, shape, keys, row, head),
                    TRANSPOSED,
                    0,
                    dScores);
            attentions.softmaxBackward(shape, row, head, probabilities, dropout, gradient);
            multiplier.product(
                    queries,
                    shape.headSize(),
                    keys,
                    1,
                    dScores,
                    NONE,
                    head(k, shape, keys, row, head),
                    NONE,
                    0,
                    head(dq, shape, queries, row, head));
            multiplier.product(
                    keys,
                    shape.headSize(),
                    queries,
                    1,
                    dScores,
                    TRANSPOSED,
                    head(q, shape, queries, row, head),
                    NONE,
                    0,
                    head(dk, shape, keys, row, head));
        });
        if (gradients.dBias() != null) {
            attentions.addBiasGradient(shape, gradient, host(gradients.dBias()));
        }
        gradient.close();
        if (dropout.active()) {
            dropped.close();
        }
    }
}
