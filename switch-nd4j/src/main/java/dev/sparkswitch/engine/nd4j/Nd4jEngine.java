package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.base.ResourceException;
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
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The engine on the processor, by ND4J's CPU backend, or by its CUDA backend for products of weights: in float32, in float64, or in float32 with products of weights in bfloat16. What generation
 * multiplies by chosen experts, attention's products and the router's stay in float32.
 */
public final class Nd4jEngine implements Engine {
    private final Precision precision;
    private final DType type;
    private final HostThreads threads;
    private final HostLibrary library;
    private final HostMemory memory;
    private final Multiplier multiplier;
    private final HostProducts products;
    private final HostProducts exactProducts;
    private final HostMoves moves;
    private final NormKernels norms;
    private final AttentionKernels attentions;
    private final HostAttention attention;
    private final HostRouting routing;
    private final TrainingKernels trainings;
    private final HostLoss loss;

    /**
     * An engine.
     *
     * @param precision FLOAT32, FLOAT64 or BF16_PRODUCTS
     * @param threads processor threads for products and loops, at least 1
     * @throws dev.sparkswitch.base.ResourceException where the library for products in bfloat16 is missing, or ND4J's CUDA
     *     backend was brought along and does not run on this host
     */
    public Nd4jEngine(Precision precision, int threads) {
        this(precision, threads, HostLibrary.here());
    }

    /** An engine on a library of the caller's. */
    Nd4jEngine(Precision precision, int threads, HostLibrary library) {
        if (precision == Precision.BF16) {
            throw new IllegalArgumentException("this engine holds activations in float32 or float64, not in bf16");
        }
        this.precision = precision;
        this.type = precision.compute();
        this.threads = new HostThreads(threads);
        this.library = library;
        this.memory = new HostMemory(library);
        Multiplier exact = library.products();
        this.multiplier = precision == Precision.BF16_PRODUCTS ? narrow() : library.productsOfWeights();
        Products plain = new Products(this.threads, exact);
        Products weights = new Products(this.threads, multiplier);
        this.products = new HostProducts(memory, type, weights);
        this.exactProducts = new HostProducts(memory, type, plain);
        boolean isDouble = precision == Precision.FLOAT64;
        this.norms = isDouble ? new DoubleNormKernels(this.threads) : new FloatNormKernels(this.threads);
        this.attentions = isDouble ? new DoubleAttentionKernels(this.threads) : new FloatAttentionKernels(this.threads);
        this.attention = new HostAttention(memory, type, this.threads, exact, attentions);
        this.routing = new HostRouting(
                memory,
                type,
                plain,
                isDouble ? new DoubleRoutingKernels(this.threads) : new FloatRoutingKernels(this.threads),
                isDouble ? new DoubleDispatchKernels(this.threads) : new FloatDispatchKernels(this.threads),
                norms);
        this.trainings = isDouble ? new DoubleTrainingKernels(this.threads) : new FloatTrainingKernels(this.threads);
        this.moves = new HostMoves(memory, trainings);
        this.loss = new HostLoss(
                memory,
                type,
                weights,
                trainings,
                isDouble ? new DoubleDistillationKernels(this.threads) : new FloatDistillationKernels(this.threads));
    }

    private Multiplier narrow() {
        try {
            return OneDnn.open(memory, threads);
        } catch (LinkageError e) {
            threads.close();
            throw new ResourceException(
                    "products in bf16 on a processor need oneDNN, which is not part of this installation ("
                            + e.getMessage()
                            + "): build the jar with the Maven profile onednn, put org.bytedeco:dnnl and"
                            + " org.bytedeco:opencl with their natives on the class path, or choose"
                            + " engine.precision=float32",
                    e);
        }
    }

    @Override
    public String description() {
        return "nd4j (" + library.name() + "), "
                + type.name().toLowerCase()
                + (precision == Precision.BF16_PRODUCTS
                        ? " with products in bf16 (oneDNN, " + OneDnn.offer() + ")"
                        : "")
                + ", " + threads.count() + (threads.count() == 1 ? " thread" : " threads");
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
        moves.fill(host(tensor), value);
    }

    @Override
    public void upload(Tensor target, ByteBuffer source) {
        moves.upload(host(target), source);
    }

    @Override
    public void download(Tensor source, ByteBuffer target) {
        moves.download(host(source), target);
    }

    @Override
    public void copy(Tensor source, Tensor target, Write write) {
        moves.copy(host(source), host(target), write);
    }

    @Override
    public Tensor swapLeading(Tensor source, int a, int b, int... shape) {
        return moves.swapLeading(host(source), a, b, shape);
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

    // Products

    @Override
    public Tensor linear(Tensor x, Tensor w) {
        return products.linear(host(x), host(w));
    }

    @Override
    public void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write) {
        products.linearInputGradient(host(dy), host(w), host(dx), write);
    }

    @Override
    public void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        products.linearWeightGradient(host(dy), host(x), host(dw), write);
    }

    @Override
    public Tensor groupedLinear(Tensor x, Tensor w) {
        return products.groupedLinear(host(x), host(w));
    }

    @Override
    public Tensor groupedLinearInputGradient(Tensor dy, Tensor w) {
        return products.groupedLinearInputGradient(host(dy), host(w));
    }

    @Override
    public void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        products.groupedLinearWeightGradient(host(dy), host(x), host(dw), write);
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
        return routing.input(host(x), noise);
    }

    @Override
    public void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        routing.inputBackward(host(dy), noise, host(dx));
    }

    @Override
    public Tensor roundedToBf16(Tensor x) {
        return routing.roundedToBf16(host(x));
    }

    @Override
    public Tensor routerLogits(Tensor x, Tensor w) {
        return exactProducts.linear(host(x), host(w));
    }

    @Override
    public Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        HostTensor dx = floating(x.shape());
        exactProducts.linearInputGradient(host(dLogits), host(w), dx, Write.SET);
        exactProducts.linearWeightGradient(host(dLogits), host(x), host(dw), write);
        return dx;
    }

    @Override
    public Routing route(RoutingPlan plan, Tensor scores, Tensor routed) {
        return routing.route(plan, host(scores), host(routed));
    }

    @Override
    public Tensor routeBackward(Routing routed, Tensor dGate, double balanceWeight, double zWeight) {
        return routing.routeBackward(routed, host(dGate), balanceWeight, zWeight);
    }

    @Override
    public Tensor dispatch(Tensor x, Routing routed) {
        return routing.dispatch(host(x), routed);
    }

    @Override
    public Tensor dispatchBackward(Tensor dSlots, Routing routed) {
        return routing.dispatchBackward(host(dSlots), routed);
    }

    @Override
    public Tensor combine(Tensor slots, Routing routed) {
        return routing.combine(host(slots), routed);
    }

    @Override
    public CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routed) {
        return routing.combineBackward(host(dy), host(slots), routed);
    }

    // Generation

    @Override
    public Tensor experts(Tensor x, Routing routed, Tensor in, Activation activation, Tensor out) {
        return routing.experts(host(x), routed, host(in), activation, host(out));
    }

    @Override
    public void append(Tensor rows, Tensor cache, int position) {
        moves.append(host(rows), host(cache), position);
    }

    @Override
    public Tensor gatherRows(Tensor x, Tensor indices) {
        return moves.gatherRows(host(x), host(indices));
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
        multiplier.close();
        memory.close();
        threads.close();
    }
}
