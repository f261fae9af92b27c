package dev.sparkswitch.engine.nd4j;

import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.NONE;
import static dev.sparkswitch.engine.nd4j.OpenBlas.Turn.TRANSPOSED;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.factory.Nd4j;

/** The engine on ND4J's CPU backend, in float32 or float64. */
public final class Nd4jEngine implements Engine {
    private final Precision precision;
    private final DType type;
    private final HostThreads threads;
    private final HostMemory memory = new HostMemory();
    private final Products products;
    private final NormKernels norms;
    private final AttentionKernels attentions;
    private final HostAttention attention;
    private final RoutingKernels routings;
    private final DispatchKernels dispatches;
    private final TrainingKernels trainings;
    private final HostLoss loss;

    /**
     * An engine.
     *
     * @param precision FLOAT32 or FLOAT64
     * @param threads processor threads for products and loops, at least 1
     */
    public Nd4jEngine(Precision precision, int threads) {
        if (precision == Precision.BF16) {
            throw new IllegalArgumentException("this engine computes in float32 or float64, not in bf16");
        }
        this.precision = precision;
        this.type = precision.compute();
        this.threads = new HostThreads(threads);
        Nd4j.getExecutioner(); // loads the backend's libraries before OpenBLAS's own symbols are asked for
        this.products = new Products(this.threads);
        boolean isDouble = precision == Precision.FLOAT64;
        this.norms = isDouble ? new DoubleNormKernels(this.threads) : new FloatNormKernels(this.threads);
        this.attentions = isDouble ? new DoubleAttentionKernels(this.threads) : new FloatAttentionKernels(this.threads);
        this.attention = new HostAttention(memory, type, this.threads, attentions);
        this.routings = isDouble ? new DoubleRoutingKernels(this.threads) : new FloatRoutingKernels(this.threads);
        this.dispatches = isDouble ? new DoubleDispatchKernels(this.threads) : new FloatDispatchKernels(this.threads);
        this.trainings = isDouble ? new DoubleTrainingKernels(this.threads) : new FloatTrainingKernels(this.threads);
        this.loss = new HostLoss(
                memory,
                type,
                products,
                trainings,
                isDouble ? new DoubleDistillationKernels(this.threads) : new FloatDistillationKernels(this.threads));
    }

    @Override
    public String description() {
        return "nd4j (" + Nd4j.getBackend().getClass().getSimpleName() + "), "
                + type.name().toLowerCase() + ", " + threads.count() + (threads.count() == 1 ? " thread" : " threads");
    }

    @Override
    public Precision precision() {
        return precision;
    }

    @Override
    public Moment moment() {
        return Moment.now();
    }

    // Memory

    @Override
    public HostTensor allocate(DType type, int... shape) {
        return HostTensor.owner(memory, type, shape);
    }

    @Override
    public HostTensor allocateParameter(int... shape) {
        return floating(shape);
    }

    private HostTensor floating(int... shape) {
        return allocate(type, shape);
    }

    /** A new tensor like {@code model} with another last extent. */
    private HostTensor withWidth(Tensor model, int width) {
        int[] shape = model.shape();
        shape[shape.length - 1] = width;
        return floating(shape);
    }

    private static HostTensor host(Tensor tensor) {
        return (HostTensor) tensor;
    }

    @Override
    public void fill(Tensor tensor, double value) {
        if (tensor.type() == DType.INT32) {
            int[] values = new int[(int) tensor.size()];
            Arrays.fill(values, (int) value);
            host(tensor).ints().put(0, values);
        } else {
            trainings.fill(host(tensor), value);
        }
    }

    @Override
    public void upload(Tensor target, ByteBuffer source) {
        HostTensor tensor = host(target);
        tensor.requireContiguous("upload");
        ByteBuffer bytes = tensor.bytes();
        if (source.remaining() < bytes.remaining()) {
            throw new IllegalArgumentException("upload of " + source.remaining() + " bytes to " + target);
        }
        bytes.put(source.slice().limit(bytes.remaining()));
    }

    @Override
    public void download(Tensor source, ByteBuffer target) {
        HostTensor tensor = host(source);
        tensor.requireContiguous("download");
        target.slice().order(ByteOrder.nativeOrder()).put(tensor.bytes());
    }

    @Override
    public void copy(Tensor source, Tensor target, Write write) {
        require(source.size() == target.size() && source.type() == target.type(), "copy", source, target);
        trainings.copy(host(source), host(target), write);
    }

    @Override
    public Tensor swapLeading(Tensor source, int a, int b, int... shape) {
        int inner = (int) (source.size() / Math.max(1, a * b)) * source.type().bytes();
        HostTensor target = allocate(source.type(), shape);
        ByteBuffer in = host(source).bytes();
        ByteBuffer out = target.bytes();
        for (int i = 0; i < a; i++) {
            for (int j = 0; j < b; j++) {
                out.put((j * a + i) * inner, in, (i * b + j) * inner, inner);
            }
        }
        return target;
    }

    @Override
    public long memoryBytes() {
        return memory.bytes();
    }

    static void require(boolean condition, String operation, Tensor a, Tensor b) {
        if (!condition) {
            throw new IllegalArgumentException(operation + " does not take " + a + " with " + b);
        }
    }

    private static double beta(Write write) {
        return write == Write.ADD ? 1 : 0;
    }

    // Products

    @Override
    public Tensor linear(Tensor x, Tensor w) {
        require(x.extent(-1) == w.extent(1), "linear", x, w);
        HostTensor y = withWidth(x, w.extent(0));
        products.product(x.rows(), w.extent(0), w.extent(1), 1, host(x), NONE, host(w), TRANSPOSED, 0, y);
        return y;
    }

    @Override
    public void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write) {
        require(dy.extent(-1) == w.extent(0), "linearInputGradient", dy, w);
        require(dy.rows() == dx.rows() && dx.extent(-1) == w.extent(1), "linearInputGradient", dy, dx);
        products.product(dy.rows(), w.extent(1), w.extent(0), 1, host(dy), NONE, host(w), NONE, beta(write), host(dx));
    }

    @Override
    public void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        require(dy.rows() == x.rows(), "linearWeightGradient", dy, x);
        require(dy.extent(-1) == dw.extent(0), "linearWeightGradient", dy, dw);
        require(x.extent(-1) == dw.extent(1), "linearWeightGradient", x, dw);
        products.product(
                dw.extent(0), dw.extent(1), dy.rows(), 1, host(dy), TRANSPOSED, host(x), NONE, beta(write), host(dw));
    }

    @Override
    public Tensor groupedLinear(Tensor x, Tensor w) {
        require(x.extent(0) == w.extent(0) && x.extent(2) == w.extent(2), "groupedLinear", x, w);
        HostTensor y = floating(x.extent(0), x.extent(1), w.extent(1));
        products.products(x.extent(1), w.extent(1), w.extent(2), host(x), NONE, host(w), TRANSPOSED, 0, y);
        return y;
    }

    @Override
    public Tensor groupedLinearInputGradient(Tensor dy, Tensor w) {
        require(dy.extent(0) == w.extent(0) && dy.extent(2) == w.extent(1), "groupedLinearInputGradient", dy, w);
        HostTensor dx = floating(dy.extent(0), dy.extent(1), w.extent(2));
        products.products(dy.extent(1), w.extent(2), w.extent(1), host(dy), NONE, host(w), NONE, 0, dx);
        return dx;
    }

    @Override
    public void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        require(dy.extent(0) == dw.extent(0), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(0) == dw.extent(0), "groupedLinearWeightGradient", x, dw);
        require(dy.extent(1) == x.extent(1), "groupedLinearWeightGradient", dy, x);
        require(dy.extent(2) == dw.extent(1), "groupedLinearWeightGradient", dy, dw);
        require(x.extent(2) == dw.extent(2), "groupedLinearWeightGradient", x, dw);
        products.products(
                dw.extent(1), dw.extent(2), dy.extent(1), host(dy), TRANSPOSED, host(x), NONE, beta(write), host(dw));
    }

    // Residual stream

    @Override
    public Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon) {
        HostTensor sum = delta == null ? host(h) : floating(h.shape());
        HostTensor normalized = floating(h.shape());
        HostTensor inverseRms = floating(h.rows());
        norms.addNorm(
                host(h),
                delta == null ? null : host(delta),
                dropout,
                host(weight),
                epsilon,
                sum,
                normalized,
                inverseRms);
        return new Normalized(sum, normalized, inverseRms);
    }

    @Override
    public Tensor addNormBackward(
            Tensor dNormalized,
            Tensor dSum,
            Tensor sum,
            Tensor inverseRms,
            Tensor weight,
            Tensor dWeight,
            Write write,
            Dropout dropout) {
        norms.addNormBackward(
                host(dNormalized), host(dSum), host(sum), host(inverseRms), host(weight), host(dWeight), write);
        return dropout.active() ? dropout(dSum, dropout) : dSum;
    }

    @Override
    public Tensor dropout(Tensor x, Dropout dropout) {
        HostTensor y = floating(x.shape());
        norms.dropout(host(x), dropout, y);
        return y;
    }

    // Attention

    @Override
    public Tensor relativeBias(Tensor table, RelativePositions positions) {
        HostTensor bias = floating(table.extent(1), positions.distances());
        attentions.relativeBias(host(table), positions, bias);
        return bias;
    }

    @Override
    public void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write) {
        attentions.relativeBiasGradient(host(dBias), positions, host(dTable), write);
    }

    @Override
    public Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        return attention.forward(shape, inputs, dropout);
    }

    @Override
    public void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients) {
        attention.backward(shape, inputs, host(forward.saved()), dropout, host(dResult), gradients);
    }

    // Feed-forward

    @Override
    public Tensor activation(Tensor x, Activation activation, Dropout dropout) {
        HostTensor y = withWidth(x, x.extent(-1) / activation.branches());
        norms.activation(host(x), activation, dropout, y);
        return y;
    }

    @Override
    public Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout) {
        HostTensor dx = floating(x.shape());
        norms.activationBackward(host(dy), host(x), activation, dropout, dx);
        return dx;
    }

    // Embedding and loss

    @Override
    public Tensor embed(Tensor ids, Tensor table, Dropout dropout) {
        HostTensor y = floating((int) ids.size(), table.extent(1));
        norms.embed(host(ids), host(table), dropout, y);
        return y;
    }

    @Override
    public void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout) {
        norms.embedBackward(host(dy), host(ids), host(dTable), dropout);
    }

    @Override
    public Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings) {
        return loss.tokenLoss(host(hidden), host(w), host(targets), settings);
    }

    @Override
    public LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw) {
        return loss.tokenLossGradient(host(hidden), host(w), host(targets), settings, weight, host(dw));
    }

    @Override
    public LossGradient distillationGradient(
            Tensor hidden,
            Tensor w,
            Tensor targets,
            SoftTargets soft,
            DistillationSettings settings,
            double weight,
            Tensor dw) {
        return loss.distillationGradient(host(hidden), host(w), host(targets), soft, settings, weight, host(dw));
    }

    @Override
    public Tensor logits(Tensor hidden, Tensor w, double scale) {
        return loss.logits(host(hidden), host(w), scale);
    }

    // Routing

    @Override
    public Tensor routerInput(Tensor x, Dropout noise) {
        HostTensor y = floating(x.shape());
        dispatches.routerInput(host(x), noise, y);
        return y;
    }

    @Override
    public void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        dispatches.routerInputBackward(host(dy), noise, host(dx));
    }

    @Override
    public Tensor routerLogits(Tensor x, Tensor w) {
        return linear(x, w);
    }

    @Override
    public Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        HostTensor dx = floating(x.shape());
        linearInputGradient(dLogits, w, dx, Write.SET);
        linearWeightGradient(dLogits, x, dw, write);
        return dx;
    }

    @Override
    public Routing route(RoutingPlan plan, Tensor scores, Tensor routed) {
        int tokens = plan.tokens();
        boolean given = plan.policy() instanceof RoutingPolicy.Hash;
        boolean fits = given
                ? scores.type() == DType.INT32 && scores.size() == tokens
                : scores.type() == type && scores.extent(0) == tokens;
        require(fits && routed.size() == tokens, "route", scores, routed);
        int experts = plan.policy() instanceof RoutingPolicy.Hash hash ? hash.experts() : scores.extent(1);
        if (plan.choices() > experts) {
            throw new IllegalArgumentException(plan.choices() + " choices among " + experts + " experts");
        }
        Routing routing = new Routing(
                plan,
                floating(tokens, experts),
                floating(tokens),
                allocate(DType.INT32, experts, plan.slots()),
                floating(experts, plan.slots()),
                allocate(DType.INT32, tokens, plan.choices()),
                allocate(DType.INT32, tokens),
                floating(plan.balanceGroups(), experts),
                floating(RoutingStatistics.size(experts)));
        routings.route(host(scores), host(routed), routing);
        return routing;
    }

    @Override
    public Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        if (routing.plan().policy() instanceof RoutingPolicy.Hash) {
            throw new IllegalArgumentException("a routing by hash has no logits to differentiate by");
        }
        HostTensor dLogits = floating(routing.plan().tokens(), routing.experts());
        routings.routeBackward(routing, host(dGate), balanceWeight, zWeight, dLogits);
        return dLogits;
    }

    @Override
    public Tensor dispatch(Tensor x, Routing routing) {
        HostTensor slots = floating(routing.experts(), routing.plan().slots(), x.extent(-1));
        dispatches.dispatch(host(x), routing, slots);
        return slots;
    }

    @Override
    public Tensor dispatchBackward(Tensor dSlots, Routing routing) {
        HostTensor dx = floating(routing.plan().tokens(), dSlots.extent(-1));
        dispatches.gather(host(dSlots), routing, null, dx);
        return dx;
    }

    @Override
    public Tensor combine(Tensor slots, Routing routing) {
        HostTensor y = floating(routing.plan().tokens(), slots.extent(-1));
        dispatches.gather(host(slots), routing, host(routing.gateOfSlot()), y);
        return y;
    }

    @Override
    public CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing) {
        HostTensor dSlots = floating(slots.shape());
        HostTensor dGate = floating(slots.extent(0), slots.extent(1));
        dispatches.combineBackward(host(dy), host(slots), routing, dSlots, dGate);
        return new CombineGradient(dSlots, dGate);
    }

    // Generation

    @Override
    public Tensor experts(Tensor x, Routing routing, Tensor in, Activation activation, Tensor out) {
        require(in.extent(0) == routing.experts() && in.extent(2) == x.extent(-1), "experts", x, in);
        require(out.extent(0) == in.extent(0) && out.extent(1) == x.extent(-1), "experts", in, out);
        try (PackedRouting packed = PackedRouting.of(memory, routing);
                HostTensor slots = floating(packed.slots(), x.extent(-1));
                HostTensor hidden = floating(packed.slots(), in.extent(1))) {
            dispatches.dispatch(host(x), packed.routing(), slots);
            products.segments(packed.firstSlots(), slots, host(in), hidden);
            try (Tensor active = activation(hidden, activation, Dropout.NONE);
                    HostTensor results = floating(packed.slots(), x.extent(-1))) {
                products.segments(packed.firstSlots(), host(active), host(out), results);
                return combine(results, packed.routing());
            }
        }
    }

    @Override
    public void append(Tensor rows, Tensor cache, int position) {
        int width = rows.extent(-1) * rows.type().bytes();
        int stride = rows.rowStride() * rows.type().bytes();
        ByteBuffer in = host(rows).bytes();
        ByteBuffer out = host(cache).bytes();
        for (int r = 0; r < rows.rows(); r++) {
            out.put((r * cache.extent(1) + position) * width, in, r * stride, width);
        }
    }

    @Override
    public Tensor gatherRows(Tensor x, Tensor indices) {
        int[] shape = x.shape();
        int width = (int) (x.size() / Math.max(1, shape[0])) * x.type().bytes();
        shape[0] = (int) indices.size();
        HostTensor y = allocate(x.type(), shape);
        ByteBuffer in = host(x).bytes();
        ByteBuffer out = y.bytes();
        for (int i = 0; i < shape[0]; i++) {
            out.put(i * width, in, host(indices).ints().get(i) * width, width);
        }
        return y;
    }

    // Optimizer

    @Override
    public double sumSquares(List<Tensor> tensors) {
        double sum = 0;
        for (Tensor tensor : tensors) {
            sum += trainings.sumSquares(host(tensor));
        }
        return sum;
    }

    @Override
    public void adafactor(AdafactorStep step, List<AdafactorSlot> slots) {
        for (AdafactorSlot slot : slots) {
            trainings.adafactor(step, slot);
        }
    }

    @Override
    public void adamw(AdamWStep step, List<AdamWSlot> slots) {
        for (AdamWSlot slot : slots) {
            trainings.adamw(step, slot);
        }
    }

    @Override
    public void close() {
        memory.close();
        threads.close();
    }
}
