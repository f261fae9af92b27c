package dev.sparkswitch.engine.cuda;

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
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** The engine on a CUDA card, in float32 or bfloat16: every family of operations stands in a class of its own. */
public final class CudaEngine implements Engine {
    private final Device device;
    private final DeviceMemory memory;
    private final DeviceMemory shared;
    private final CudaContext context;
    private final CudaMemory transfers;
    private final CudaProducts products;
    private final CudaNorms norms;
    private final CudaRelativeBias biases;
    private final CudaAttention attentions;
    private final CudaActivations activations;
    private final CudaEmbedding embeddings;
    private final CudaLoss losses;
    private final CudaRouting routings;
    private final CudaSlots expertSlots;
    private final CudaExperts experts;
    private final CudaOptimizers optimizers;
    private final boolean narrowGradients = Switches.isOn(Switches.NARROW_GRADIENTS);
    private final boolean stepsSumSquares = Switches.isOn(Switches.STEP_SQUARES);
    private Runnable reads = () -> {};

    /**
     * An engine.
     *
     * @param device the card, which the engine closes
     * @param precision FLOAT32 or BF16
     */
    CudaEngine(Device device, Precision precision) {
        if (precision != Precision.FLOAT32 && precision != Precision.BF16) {
            throw new IllegalArgumentException("this engine computes in float32 or bf16, not in " + precision);
        }
        this.device = device;
        this.memory = new DeviceMemory(device);
        this.shared = DeviceMemory.shared(device, memory);
        this.context = new CudaContext(device, memory, precision);
        this.transfers = new CudaMemory(context);
        this.products = new CudaProducts(context);
        this.norms = new CudaNorms(context);
        this.biases = new CudaRelativeBias(context);
        this.attentions = new CudaAttention(context);
        this.activations = new CudaActivations(context);
        this.embeddings = new CudaEmbedding(context);
        this.losses = new CudaLoss(context, products);
        this.routings = new CudaRouting(context, products);
        this.expertSlots = new CudaSlots(context);
        this.experts = new CudaExperts(context, products, activations, expertSlots);
        this.optimizers = new CudaOptimizers(context);
    }

    /**
     * The engine on a card of this machine.
     *
     * @param precision FLOAT32 or BF16
     * @param card the card's number among those that this process sees, from 0
     * @throws dev.sparkswitch.base.ResourceException where libraries, driver or card are missing or too old
     */
    public static CudaEngine open(Precision precision, int card) {
        return new CudaEngine(QueuedDevice.of(new CudaDevice(card)), precision);
    }

    /** The engine on no card at all: it takes the memory that it would take, and every number that it gives is 0. */
    public static CudaEngine planned(Precision precision) {
        return new CudaEngine(new PlannedDevice(), precision);
    }

    /** Bytes of the card's memory that nobody holds. */
    public long freeBytes() {
        return device.freeBytes();
    }

    /** Bytes of a page of the host's memory. */
    private static final int PAGE = 1 << 12;

    /** Bytes of {@link #link}. */
    public static final int LINK_BYTES = CudaDevice.LINK_BYTES;

    /** What tells this engine's card from all others, if it can exchange tensors with them directly. */
    public Optional<byte[]> link() {
        return device.link();
    }

    /** Bytes of {@link #newGroup}. */
    public static final int GROUP_BYTES = Nccl.ID_BYTES;

    /** The number of a new group of cards, which one member alone makes and tells the others. */
    public byte[] newGroup() {
        return device.newGroup();
    }

    /**
     * Joins a group of cards; every member calls it at the same time, from any thread. Waits forever for one that does not come.
     *
     * @param id the group's number
     * @param index this card's place, from 0
     * @param size the members
     */
    public CardGroup join(byte[] id, int index, int size) {
        return device.join(id, index, size);
    }

    /**
     * A new tensor with undefined contents that cards of a group can write to ({@link CardGroup#writesAcross}); all of them ask
     * for the same in the same order, and close the same.
     */
    public Tensor allocateShared(DType type, int... shape) {
        return CudaTensor.plain(shared, type, shape);
    }

    /** The moment at which all is done that was asked for so far, of this engine and of groups, on the groups' clock. */
    public Moment exchangeMoment() {
        return device.exchangeMoment();
    }

    /** Runs {@code check} whenever contents have been read, before they are used: it throws where they are worth nothing. */
    public void checkReads(Runnable check) {
        this.reads = check;
    }

    @Override
    public String description() {
        return "cuda (" + device.description() + "), " + precision().name().toLowerCase(Locale.ROOT);
    }

    @Override
    public Precision precision() {
        return context.precision();
    }

    /**
     * In bf16 arithmetic bfloat16, which rounds a sum that was taken in float32 of factors that were rounded as coarsely
     * themselves; Adafactor and AdamW divide by moments of the same numbers in float32.
     */
    @Override
    public DType matrixGradientType() {
        return precision() == Precision.BF16 && narrowGradients
                ? DType.BFLOAT16
                : precision().master();
    }

    @Override
    public Moment moment() {
        return device.moment();
    }

    @Override
    public Tensor allocate(DType type, int... shape) {
        return context.allocate(type, shape);
    }

    @Override
    public Tensor allocateParameter(int... shape) {
        return context.parameter(shape);
    }

    @Override
    public long memoryBytes() {
        return memory.bytes() + shared.bytes();
    }

    @Override
    public void fill(Tensor tensor, double value) {
        transfers.fill(tensor, value);
    }

    @Override
    public void upload(Tensor target, ByteBuffer source) {
        transfers.upload(target, source);
    }

    @Override
    public void download(Tensor source, ByteBuffer target) {
        transfers.download(source, target);
        reads.run();
    }

    @Override
    public Reading read(Tensor source) {
        if (!transfers.readsAhead(source)) {
            return Engine.super.read(source);
        }
        Supplier<ByteBuffer> contents = transfers.read(source);
        return new Reading(source, () -> {
            ByteBuffer bytes = contents.get();
            reads.run();
            return bytes;
        });
    }

    @Override
    public void download(List<Tensor> sources, List<ByteBuffer> targets) {
        for (int i = 0; i < sources.size(); i++) {
            transfers.startDownload(sources.get(i), targets.get(i));
        }
        device.synchronize();
        reads.run();
    }

    @Override
    public void copy(Tensor source, Tensor target, Write write) {
        transfers.copy(source, target, write);
    }

    @Override
    public Tensor swapLeading(Tensor source, int a, int b, int... shape) {
        return transfers.swapLeading(source, a, b, shape);
    }

    @Override
    public Tensor linear(Tensor x, Tensor w) {
        return products.linear(x, w);
    }

    @Override
    public void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write) {
        products.linearInputGradient(dy, w, dx, write);
    }

    @Override
    public void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        products.linearWeightGradient(dy, x, dw, write);
    }

    @Override
    public Tensor groupedLinear(Tensor x, Tensor w) {
        return products.groupedLinear(x, w);
    }

    @Override
    public Tensor groupedLinearInputGradient(Tensor dy, Tensor w) {
        return products.groupedLinearInputGradient(dy, w);
    }

    @Override
    public void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        products.groupedLinearWeightGradient(dy, x, dw, write);
    }

    @Override
    public Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon) {
        return norms.addNorm(h, delta, dropout, weight, epsilon);
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
        return norms.addNormBackward(dNormalized, dSum, sum, inverseRms, weight, dWeight, write, dropout);
    }

    @Override
    public Tensor dropout(Tensor x, Dropout dropout) {
        return norms.dropout(x, dropout);
    }

    @Override
    public Tensor relativeBias(Tensor table, RelativePositions positions) {
        return biases.relativeBias(table, positions);
    }

    @Override
    public void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write) {
        biases.relativeBiasGradient(dBias, positions, dTable, write);
    }

    @Override
    public Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        return attentions.attention(shape, inputs, dropout);
    }

    @Override
    public void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients) {
        attentions.attentionBackward(shape, inputs, forward, dropout, dResult, gradients);
    }

    @Override
    public Tensor activation(Tensor x, Activation activation, Dropout dropout) {
        return activations.activation(x, activation, dropout);
    }

    @Override
    public Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout) {
        return activations.activationBackward(dy, x, activation, dropout);
    }

    @Override
    public Activated activate(Tensor x, Activation activation, Dropout dropout) {
        return activations.activate(x, activation, dropout);
    }

    @Override
    public Tensor activateBackward(Tensor dy, Activated forward, Activation activation, Dropout dropout) {
        return activations.activateBackward(dy, forward, activation, dropout);
    }

    @Override
    public Tensor embed(Tensor ids, Tensor table, Dropout dropout) {
        return embeddings.embed(ids, table, dropout);
    }

    @Override
    public void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout) {
        embeddings.embedBackward(dy, ids, dTable, dropout);
    }

    @Override
    public Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings) {
        return losses.tokenLoss(hidden, w, targets, settings);
    }

    @Override
    public LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw) {
        return losses.tokenLossGradient(hidden, w, targets, settings, weight, dw);
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
        return losses.distillationGradient(hidden, w, targets, soft, settings, weight, dw);
    }

    @Override
    public Tensor logits(Tensor hidden, Tensor w, double scale) {
        return losses.logits(hidden, w, scale);
    }

    @Override
    public Tensor routerInput(Tensor x, Dropout noise) {
        return routings.routerInput(x, noise);
    }

    @Override
    public void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        routings.routerInputBackward(dy, noise, dx);
    }

    @Override
    public RouterScores routerScores(Tensor x, Dropout noise, Tensor w) {
        return routings.routerScores(x, noise, w);
    }

    @Override
    public Tensor routerScoresWeightGradient(
            Tensor dLogits, Tensor x, Tensor input, Dropout noise, Tensor w, Tensor dw, Write write) {
        return routings.routerScoresWeightGradient(dLogits, x, input, noise, w, dw, write);
    }

    @Override
    public void routerScoresInputGradient(Tensor dLogits, Tensor dInput, Dropout noise, Tensor w, Tensor dx) {
        routings.routerScoresInputGradient(dLogits, dInput, noise, w, dx);
    }

    @Override
    public Tensor roundedToBf16(Tensor x) {
        return routings.roundedToBf16(x);
    }

    @Override
    public Tensor routerLogits(Tensor x, Tensor w) {
        return routings.routerLogits(x, w);
    }

    @Override
    public Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        return routings.routerLogitsBackward(dLogits, x, w, dw, write);
    }

    @Override
    public Routing route(RoutingPlan plan, Tensor logits, Tensor routed) {
        return routings.route(plan, logits, routed);
    }

    @Override
    public Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        return routings.routeBackward(routing, dGate, balanceWeight, zWeight);
    }

    @Override
    public Tensor dispatch(Tensor x, Routing routing) {
        return expertSlots.dispatch(x, routing);
    }

    @Override
    public Tensor dispatchBackward(Tensor dSlots, Routing routing) {
        return expertSlots.dispatchBackward(dSlots, routing);
    }

    @Override
    public Tensor combine(Tensor slots, Routing routing) {
        return expertSlots.combine(slots, routing);
    }

    @Override
    public CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing) {
        return expertSlots.combineBackward(dy, slots, routing);
    }

    @Override
    public Tensor experts(Tensor x, Routing routing, Tensor in, Activation activation, Tensor out) {
        return routing.experts() == 1 || routing.plan().slots() <= CudaExperts.FEW_SLOTS
                ? Engine.super.experts(x, routing, in, activation, out)
                : experts.experts(x, routing, in, activation, out);
    }

    @Override
    public void append(Tensor rows, Tensor cache, int position) {
        transfers.append(rows, cache, position);
    }

    @Override
    public Tensor gatherRows(Tensor x, Tensor indices) {
        return transfers.gatherRows(x, indices);
    }

    @Override
    public double sumSquares(List<Tensor> tensors) {
        double sum = optimizers.sumSquares(tensors);
        reads.run();
        return sum;
    }

    @Override
    public void adafactor(AdafactorStep step, List<AdafactorSlot> slots) {
        attentions.beforeUpdate();
        optimizers.adafactor(step, slots, null);
    }

    @Override
    public void adafactor(AdafactorStep step, List<AdafactorSlot> slots, Tensor squares) {
        attentions.beforeUpdate();
        optimizers.adafactor(step, slots, squares);
    }

    @Override
    public void expectStep(long rows) {
        attentions.expectStep(rows);
    }

    @Override
    public boolean stepsSumSquares() {
        return stepsSumSquares;
    }

    /** Whole pages: no two buffers share one. */
    @Override
    public ByteBuffer hostMemory(int bytes) {
        int pages = Math.multiplyExact(PAGE, (bytes + PAGE - 1) / PAGE);
        ByteBuffer memory = ByteBuffer.allocateDirect(Math.addExact(pages, PAGE))
                .alignedSlice(PAGE)
                .slice(0, pages);
        device.keepResident(memory);
        return memory.slice(0, bytes).order(ByteOrder.nativeOrder());
    }

    /** From here on the card takes the times of its operations, at some cost. */
    public void startProfile() {
        device.startProfile();
    }

    /** Ends {@link #startProfile}: times by kernel, and by product and its shape. */
    public Map<String, OperationTime> endProfile() {
        return device.endProfile();
    }

    @Override
    public void adamw(AdamWStep step, List<AdamWSlot> slots) {
        attentions.beforeUpdate();
        optimizers.adamw(step, slots, null);
    }

    @Override
    public void adamw(AdamWStep step, List<AdamWSlot> slots, Tensor squares) {
        attentions.beforeUpdate();
        optimizers.adamw(step, slots, squares);
    }

    @Override
    public void close() {
        if (device.stopSharing()) {
            memory.close();
            shared.close();
            device.close();
        }
    }
}
