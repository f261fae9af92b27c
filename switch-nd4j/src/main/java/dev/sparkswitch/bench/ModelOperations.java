package dev.sparkswitch.bench;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.T5Config;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The operations of a model's training step by families, each with its own tensors of random numbers, its arithmetic and the
 * bytes that it cannot do without: operands read once, results written once.
 */
final class ModelOperations {
    private static final AdafactorStep ADAFACTOR =
            new AdafactorStep(1e-3, 0.9, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
    /** A slice of the optimizer's work: matrices of a feed-forward layer's size. */
    private static final int MATRICES = 16;

    private static final double EPSILON = 1e-6;

    /** An operation that can be run again and again. */
    record Operation(String name, double flops, double bytes, Runnable work) {}

    /** Operations whose tensors lie in memory at the same time. */
    interface Family {
        Prepared prepare(Engine engine);
    }

    private final T5Config config;
    private final OperationBenchmark.Plan plan;
    private final int tokens;
    private final int width;
    private final int inner;
    private final Activation activation;

    private ModelOperations(T5Config config, OperationBenchmark.Plan plan) {
        this.config = config;
        this.plan = plan;
        this.tokens = plan.rows() * plan.inputLength();
        this.width = config.modelSize();
        this.inner = config.feedForwardSize();
        this.activation = switch (config.feedForward()) {
            case RELU -> Activation.RELU;
            case GATED_GELU -> Activation.GATED_GELU;
        };
    }

    /** The families of a model at the plan's sizes. */
    static List<Family> of(T5Config config, OperationBenchmark.Plan plan) {
        ModelOperations operations = new ModelOperations(config, plan);
        List<Family> families = new ArrayList<>();
        families.add(operations::stream);
        families.add(operations::products);
        int inputs = plan.inputLength();
        int targets = plan.targetLength();
        families.add(engine -> operations.attention(engine, "encoder", inputs, inputs, Order.FULL, true));
        families.add(engine -> operations.attention(engine, "decoder", targets, targets, Order.CAUSAL, true));
        families.add(engine -> operations.attention(engine, "cross", targets, inputs, Order.FULL, false));
        families.add(operations::loss);
        families.add(operations::optimizer);
        config.sparse().ifPresent(sparse -> families.add(engine -> operations.experts(engine, sparse)));
        return families;
    }

    /** A family's tensors and operations. */
    static final class Prepared implements AutoCloseable {
        private final Engine engine;
        private final Deque<AutoCloseable> held = new ArrayDeque<>();
        private final List<Operation> operations = new ArrayList<>();

        private Prepared(Engine engine) {
            this.engine = engine;
        }

        private Tensor compute(int... shape) {
            return keep(RandomTensors.uniform(engine, engine.precision().compute(), 1, shape));
        }

        private Tensor master(int... shape) {
            return keep(RandomTensors.uniform(engine, engine.precision().master(), 1, shape));
        }

        private Tensor parameter(int... shape) {
            return keep(RandomTensors.parameter(engine, 1.0 / shape[shape.length - 1], shape));
        }

        private Tensor gradient(int... shape) {
            return keep(RandomTensors.uniform(engine, engine.matrixGradientType(), 1, shape));
        }

        /** Integers from {@code least} to the one before {@code bound}, one after the other. */
        private Tensor integers(int least, int bound, int... shape) {
            Tensor tensor = keep(engine.allocate(DType.INT32, shape));
            ByteBuffer bytes = ByteBuffer.allocateDirect(Math.toIntExact(tensor.size() * Integer.BYTES))
                    .order(ByteOrder.nativeOrder());
            for (int i = 0; i < tensor.size(); i++) {
                // A multiplier without a factor in common with usual sizes: no order that a cache would like.
                bytes.putInt(least + (int) (i * 7919L % (bound - least)));
            }
            engine.upload(tensor, bytes.flip());
            return tensor;
        }

        private <T extends AutoCloseable> T keep(T held) {
            this.held.push(held);
            return held;
        }

        private void add(String name, double flops, double bytes, Runnable work) {
            operations.add(new Operation(name, flops, bytes, work));
        }

        List<Operation> operations() {
            return operations;
        }

        @Override
        public void close() {
            for (AutoCloseable closeable : held) {
                try {
                    closeable.close();
                } catch (Exception e) {
                    throw new IllegalStateException("cannot give memory back", e);
                }
            }
        }
    }

    private static double bytes(Tensor... tensors) {
        double sum = 0;
        for (Tensor tensor : tensors) {
            sum += (double) tensor.size() * tensor.type().bytes();
        }
        return sum;
    }

    /** What a product reads of a parameter. */
    private static double read(Prepared p, Tensor parameter) {
        return (double) parameter.size() * p.engine.precision().compute().bytes();
    }

    private Dropout dropout(int layer) {
        return Dropout.ofRows(config.dropout(), RandomStream.DROPOUT.at(1, 1, layer), 0);
    }

    private Prepared stream(Engine engine) {
        Prepared p = new Prepared(engine);
        Dropout dropout = dropout(0);
        Tensor h = p.compute(tokens, width);
        Tensor delta = p.compute(tokens, width);
        Tensor dStream = p.compute(tokens, width);
        Tensor weight = p.parameter(width);
        Tensor dWeight = p.master(width);
        Engine.Normalized norm = engine.addNorm(h, delta, dropout, weight, EPSILON);
        p.keep(norm.sum());
        p.keep(norm.normalized());
        p.keep(norm.inverseRms());
        p.add("addNorm", 0, 4 * bytes(h), () -> {
            Engine.Normalized made = engine.addNorm(h, delta, dropout, weight, EPSILON);
            made.sum().close();
            made.normalized().close();
            made.inverseRms().close();
        });
        p.add("addNormBackward", 0, (dropout.active() ? 5 : 4) * bytes(h), () -> {
            // The same stream again: its numbers shrink or grow, which takes no more time.
            Tensor dDelta = engine.addNormBackward(
                    delta, dStream, norm.sum(), norm.inverseRms(), weight, dWeight, Write.SET, dropout);
            if (dDelta != dStream) {
                dDelta.close();
            }
        });
        Tensor hidden = p.compute(tokens, activation.branches() * inner);
        Tensor dActive = p.compute(tokens, inner);
        p.add("activation", 0, bytes(hidden, dActive), () -> engine.activation(hidden, activation, dropout)
                .close());
        p.add("activationBackward", 0, 2 * bytes(hidden) + bytes(dActive), () -> engine.activationBackward(
                        dActive, hidden, activation, dropout)
                .close());
        return p;
    }

    private Prepared products(Engine engine) {
        Prepared p = new Prepared(engine);
        product(p, "feed-forward in", width, activation.branches() * inner);
        product(p, "feed-forward out", inner, width);
        product(p, "attention in", width, 3 * config.heads() * config.keySize());
        return p;
    }

    private void product(Prepared p, String name, int in, int out) {
        Engine engine = p.engine;
        Tensor x = p.compute(tokens, in);
        Tensor dy = p.compute(tokens, out);
        Tensor w = p.parameter(out, in);
        Tensor dw = p.master(out, in);
        double flops = 2.0 * tokens * in * out;
        p.add("linear, " + name, flops, bytes(x, dy) + read(p, w), () -> engine.linear(x, w)
                .close());
        p.add(
                "linearInputGradient, " + name,
                flops,
                bytes(x, dy) + read(p, w),
                () -> engine.linearInputGradient(dy, w, x, Write.SET));
        p.add(
                "linearWeightGradient, " + name,
                flops,
                bytes(x, dy, dw),
                () -> engine.linearWeightGradient(dy, x, dw, Write.SET));
    }

    private Prepared attention(Engine engine, String name, int queries, int keys, Order order, boolean biased) {
        Prepared p = new Prepared(engine);
        AttentionShape shape = new AttentionShape(plan.rows(), config.heads(), config.keySize(), queries, keys, order);
        Tensor bias = biased ? p.master(config.heads(), queries + keys - 1) : null;
        Tensor dBias = biased ? p.master(config.heads(), queries + keys - 1) : null;
        AttentionInputs inputs = new AttentionInputs(
                small(p, plan.rows() * queries),
                small(p, plan.rows() * keys),
                p.compute(plan.rows() * keys, shape.width()),
                bias,
                p.integers(1, 2, plan.rows(), queries),
                p.integers(1, 2, plan.rows(), keys));
        AttentionGradients gradients = new AttentionGradients(
                p.compute(plan.rows() * queries, shape.width()),
                p.compute(plan.rows() * keys, shape.width()),
                p.compute(plan.rows() * keys, shape.width()),
                dBias);
        Tensor dResult = p.compute(plan.rows() * queries, shape.width());
        double pairs = (double) plan.rows() * config.heads() * queries * keys / (order == Order.CAUSAL ? 2 : 1);
        double product = 2 * pairs * config.keySize();
        double operands = bytes(inputs.q(), inputs.k(), inputs.v(), dResult);
        for (Dropout dropout : config.dropout() > 0 ? List.of(dropout(1), Dropout.NONE) : List.of(Dropout.NONE)) {
            String kind = ", " + name + (dropout.active() ? "" : ", no dropout");
            Engine.Attention forward = engine.attention(shape, inputs, dropout);
            p.keep(forward.result());
            p.keep(forward.saved());
            p.add("attention" + kind, 2 * product, operands, () -> {
                Engine.Attention made = engine.attention(shape, inputs, dropout);
                made.result().close();
                made.saved().close();
            });
            p.add(
                    "attentionBackward" + kind,
                    5 * product,
                    2 * operands,
                    () -> engine.attentionBackward(shape, inputs, forward, dropout, dResult, gradients));
        }
        return p;
    }

    /** Queries and keys whose products neither make one key win nor all alike. */
    private Tensor small(Prepared p, int rows) {
        return p.keep(RandomTensors.uniform(
                p.engine,
                p.engine.precision().compute(),
                Math.pow(config.keySize(), -0.25),
                rows,
                config.heads() * config.keySize()));
    }

    private Prepared loss(Engine engine) {
        Prepared p = new Prepared(engine);
        int targets = plan.rows() * plan.targetLength();
        int vocabulary = config.vocabularySize();
        Tensor hidden = p.compute(targets, width);
        Tensor head = p.parameter(vocabulary, width);
        Tensor dHead = p.master(vocabulary, width);
        Tensor ids = p.integers(0, vocabulary, targets);
        LossSettings settings = new LossSettings(1, 0, 0);
        p.add(
                "tokenLossGradient",
                6.0 * targets * width * vocabulary,
                read(p, head) + 2 * bytes(dHead) + 2 * bytes(hidden),
                () -> {
                    Engine.LossGradient made =
                            engine.tokenLossGradient(hidden, head, ids, settings, 1.0 / targets, dHead);
                    made.tokenLoss().close();
                    made.dHidden().close();
                });
        Tensor inputs = p.integers(0, vocabulary, tokens);
        Tensor dy = p.compute(tokens, width);
        p.add("embed", 0, 2 * bytes(dy), () -> engine.embed(inputs, head, dropout(2))
                .close());
        p.add(
                "embedBackward",
                0,
                bytes(dy) + 2.0 * tokens * width * dHead.type().bytes(),
                () -> engine.embedBackward(dy, inputs, dHead, dropout(2)));
        return p;
    }

    private Prepared optimizer(Engine engine) {
        Prepared p = new Prepared(engine);
        List<AdafactorSlot> slots = new ArrayList<>();
        List<Tensor> gradients = new ArrayList<>();
        double bytes = 0;
        for (int i = 0; i < MATRICES; i++) {
            int rows = i % 2 == 0 ? inner : width;
            int columns = i % 2 == 0 ? width : inner;
            Tensor rowMoments = p.keep(engine.allocate(engine.precision().master(), rows));
            Tensor columnMoments = p.keep(engine.allocate(engine.precision().master(), columns));
            engine.fill(rowMoments, 1);
            engine.fill(columnMoments, 1);
            AdafactorSlot slot =
                    new AdafactorSlot(p.parameter(rows, columns), p.gradient(rows, columns), rowMoments, columnMoments);
            slots.add(slot);
            gradients.add(slot.gradient());
            bytes += 2 * bytes(slot.value()) + bytes(slot.gradient());
        }
        String size = " of " + MATRICES + " matrices";
        p.add("adafactor" + size, 0, bytes, () -> engine.adafactor(ADAFACTOR, slots));
        p.add("sumSquares" + size, 0, bytes(gradients.toArray(Tensor[]::new)), () -> engine.sumSquares(gradients));
        return p;
    }

    /** The router's logits, without what the backward pass would want. */
    private static Tensor scores(Engine engine, Tensor x, Tensor w) {
        Engine.RouterScores scores = engine.routerScores(x, Dropout.NONE, w);
        if (scores.input() != null) {
            scores.input().close();
        }
        return scores.logits();
    }

    private Prepared experts(Engine engine, SwitchConfig sparse) {
        Prepared p = new Prepared(engine);
        int experts = sparse.experts();
        int groupRows = sparse.capacity().rowsOfGroup();
        int groups = plan.rows() % groupRows == 0 ? plan.rows() / groupRows : 1;
        int capacity = Math.max(1, (int) Math.ceil(1.25 * tokens / groups / experts));
        RoutingPlan routingPlan = new RoutingPlan(1, groups, tokens / groups, capacity, groups);
        Tensor x = p.compute(tokens, width);
        Tensor routerWeight = p.parameter(experts, width);
        Tensor routed = p.integers(1, 2, tokens);
        Tensor logits = p.keep(scores(engine, x, routerWeight));
        p.add("routerScores", 2.0 * tokens * width * experts, bytes(x, logits), () -> scores(engine, x, routerWeight)
                .close());
        p.add("route", 0, 2 * bytes(logits), () -> engine.route(routingPlan, logits, routed)
                .close());
        Routing routing = p.keep(engine.route(routingPlan, logits, routed));
        Tensor slots = p.keep(engine.dispatch(x, routing));
        p.add("dispatch", 0, bytes(x, slots), () -> engine.dispatch(x, routing).close());
        p.add("combine", 0, bytes(x, slots), () -> engine.combine(slots, routing)
                .close());
        int made = routingPlan.slots();
        int in = activation.branches() * inner;
        Tensor w = p.parameter(experts, in, width);
        Tensor dy = p.compute(experts, made, in);
        Tensor dw = p.gradient(experts, in, width);
        double flops = 2.0 * experts * made * width * in;
        p.add("groupedLinear", flops, bytes(slots, dy) + read(p, w), () -> engine.groupedLinear(slots, w)
                .close());
        p.add(
                "groupedLinearInputGradient",
                flops,
                bytes(slots, dy) + read(p, w),
                () -> engine.groupedLinearInputGradient(dy, w).close());
        p.add(
                "groupedLinearWeightGradient",
                flops,
                bytes(slots, dy, dw),
                () -> engine.groupedLinearWeightGradient(dy, slots, dw, Write.SET));
        return p;
    }
}
