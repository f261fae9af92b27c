package dev.sparkswitch.bench;

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
import java.util.List;
import java.util.function.Supplier;

/** An engine that hands every operation on to another one and tells a meter what arithmetic and what memory it takes. */
final class MeteredEngine implements Engine {
    private final Engine engine;
    private final Meter meter;

    /** Meters {@code engine}, which is closed with this. */
    MeteredEngine(Engine engine, Meter meter) {
        this.engine = engine;
        this.meter = meter;
    }

    private <T> T timed(Phase phase, String operation, double flops, double bytes, Supplier<T> work) {
        return meter.measure(phase, operation, flops, bytes, work);
    }

    private void timed(Phase phase, String operation, double flops, double bytes, Runnable work) {
        meter.measure(phase, operation, flops, bytes, () -> {
            work.run();
            return null;
        });
    }

    /** Bytes of operands; what an operation makes is counted by the meter. */
    static double bytes(Tensor... operands) {
        double bytes = 0;
        for (Tensor tensor : operands) {
            bytes += tensor == null ? 0 : (double) tensor.size() * tensor.type().bytes();
        }
        return bytes;
    }

    /** The gradient is read twice, the parameter read and written; moments are small, or as the parameter. */
    private static double adafactorBytes(List<AdafactorSlot> slots) {
        double bytes = 0;
        for (AdafactorSlot slot : slots) {
            bytes += bytes(slot.value(), slot.value(), slot.gradient(), slot.gradient());
            bytes += slot.factored() ? 0 : bytes(slot.rowMoments(), slot.rowMoments());
        }
        return bytes;
    }

    private static double adamwBytes(List<AdamWSlot> slots) {
        double bytes = 0;
        for (AdamWSlot slot : slots) {
            bytes += bytes(slot.value(), slot.value(), slot.gradient());
            bytes += bytes(slot.firstMoments(), slot.firstMoments(), slot.secondMoments(), slot.secondMoments());
        }
        return bytes;
    }

    private static String of(String operation, Tensor a, Tensor b) {
        return operation + " " + a + " " + b;
    }

    /** Two operations for each product of elements: rows of x times the matrix. */
    private static double products(Tensor x, Tensor matrix) {
        return 2.0 * x.rows() * matrix.extent(-2) * matrix.extent(-1);
    }

    @Override
    public String description() {
        return engine.description();
    }

    @Override
    public Precision precision() {
        return engine.precision();
    }

    @Override
    public DType matrixGradientType() {
        return engine.matrixGradientType();
    }

    @Override
    public Moment moment() {
        return engine.moment();
    }

    @Override
    public Tensor allocate(DType type, int... shape) {
        return engine.allocate(type, shape);
    }

    @Override
    public Tensor allocateParameter(int... shape) {
        return engine.allocateParameter(shape);
    }

    @Override
    public long memoryBytes() {
        return engine.memoryBytes();
    }

    @Override
    public void fill(Tensor tensor, double value) {
        timed(Phase.TRANSFERS, "fill " + tensor, 0, bytes(tensor), () -> engine.fill(tensor, value));
    }

    @Override
    public void upload(Tensor target, ByteBuffer source) {
        timed(Phase.TRANSFERS, "upload " + target, 0, bytes(target), () -> engine.upload(target, source));
    }

    @Override
    public void download(Tensor source, ByteBuffer target) {
        timed(Phase.TRANSFERS, "download " + source, 0, bytes(source), () -> engine.download(source, target));
    }

    @Override
    public Reading read(Tensor source) {
        return timed(Phase.TRANSFERS, "read " + source, 0, bytes(source), () -> engine.read(source));
    }

    @Override
    public void copy(Tensor source, Tensor target, Write write) {
        timed(Phase.TRANSFERS, "copy " + source, 0, bytes(source, target), () -> engine.copy(source, target, write));
    }

    @Override
    public Tensor swapLeading(Tensor source, int a, int b, int... shape) {
        return timed(
                Phase.ROUTING,
                "swapLeading " + source,
                0,
                bytes(source),
                () -> engine.swapLeading(source, a, b, shape));
    }

    @Override
    public Tensor linear(Tensor x, Tensor w) {
        return timed(Phase.PRODUCTS, of("linear", x, w), products(x, w), bytes(x, w), () -> engine.linear(x, w));
    }

    @Override
    public void linearInputGradient(Tensor dy, Tensor w, Tensor dx, Write write) {
        timed(
                Phase.PRODUCTS,
                of("linearInputGradient", dy, w),
                products(dy, w),
                bytes(dy, w, dx),
                () -> engine.linearInputGradient(dy, w, dx, write));
    }

    @Override
    public void linearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        timed(
                Phase.PRODUCTS,
                of("linearWeightGradient", dy, x),
                products(dy, dw),
                bytes(dy, x, dw),
                () -> engine.linearWeightGradient(dy, x, dw, write));
    }

    @Override
    public Tensor groupedLinear(Tensor x, Tensor w) {
        return timed(
                Phase.EXPERTS,
                of("groupedLinear", x, w),
                products(x, w),
                bytes(x, w),
                () -> engine.groupedLinear(x, w));
    }

    @Override
    public Tensor groupedLinearInputGradient(Tensor dy, Tensor w) {
        return timed(
                Phase.EXPERTS,
                of("groupedLinearInputGradient", dy, w),
                products(dy, w),
                bytes(dy, w),
                () -> engine.groupedLinearInputGradient(dy, w));
    }

    @Override
    public void groupedLinearWeightGradient(Tensor dy, Tensor x, Tensor dw, Write write) {
        timed(
                Phase.EXPERTS,
                of("groupedLinearWeightGradient", dy, x),
                products(dy, dw),
                bytes(dy, x, dw),
                () -> engine.groupedLinearWeightGradient(dy, x, dw, write));
    }

    @Override
    public Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon) {
        return timed(
                Phase.NORMS,
                "addNorm " + h,
                0,
                bytes(h, delta),
                () -> engine.addNorm(h, delta, dropout, weight, epsilon));
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
        return timed(
                Phase.NORMS,
                "addNormBackward " + sum,
                0,
                bytes(dNormalized, dSum, dSum, sum),
                () -> engine.addNormBackward(dNormalized, dSum, sum, inverseRms, weight, dWeight, write, dropout));
    }

    @Override
    public Tensor dropout(Tensor x, Dropout dropout) {
        return timed(Phase.NORMS, "dropout " + x, 0, bytes(x), () -> engine.dropout(x, dropout));
    }

    @Override
    public Tensor relativeBias(Tensor table, RelativePositions positions) {
        return timed(Phase.ATTENTION, "relativeBias", 0, bytes(table), () -> engine.relativeBias(table, positions));
    }

    @Override
    public void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write) {
        timed(
                Phase.ATTENTION,
                "relativeBiasGradient",
                0,
                bytes(dBias),
                () -> engine.relativeBiasGradient(dBias, positions, dTable, write));
    }

    @Override
    public Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        return timed(
                Phase.ATTENTION,
                "attention " + text(shape),
                StepFlops.attention(shape),
                bytes(inputs.q(), inputs.k(), inputs.v()),
                () -> engine.attention(shape, inputs, dropout));
    }

    @Override
    public void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients) {
        timed(
                Phase.ATTENTION,
                "attentionBackward " + text(shape),
                2 * StepFlops.attention(shape),
                bytes(inputs.q(), inputs.k(), inputs.v(), dResult, gradients.dq(), gradients.dk(), gradients.dv()),
                () -> engine.attentionBackward(shape, inputs, forward, dropout, dResult, gradients));
    }

    private static String text(AttentionShape shape) {
        return shape.rows() + " x " + shape.heads() + " x (" + shape.queryLength() + ", " + shape.keyLength() + ") x "
                + shape.headSize() + (shape.order() == AttentionShape.Order.CAUSAL ? " causal" : "");
    }

    @Override
    public Tensor activation(Tensor x, Activation activation, Dropout dropout) {
        return timed(Phase.NORMS, "activation " + x, 0, bytes(x), () -> engine.activation(x, activation, dropout));
    }

    @Override
    public Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout) {
        return timed(
                Phase.NORMS,
                "activationBackward " + x,
                0,
                bytes(dy, x),
                () -> engine.activationBackward(dy, x, activation, dropout));
    }

    @Override
    public Activated activate(Tensor x, Activation activation, Dropout dropout) {
        return timed(Phase.NORMS, "activation " + x, 0, bytes(x), () -> engine.activate(x, activation, dropout));
    }

    @Override
    public Tensor activateBackward(Tensor dy, Activated forward, Activation activation, Dropout dropout) {
        return timed(
                Phase.NORMS,
                "activationBackward " + dy,
                0,
                bytes(dy, forward.saved()),
                () -> engine.activateBackward(dy, forward, activation, dropout));
    }

    @Override
    public Tensor embed(Tensor ids, Tensor table, Dropout dropout) {
        return timed(Phase.EMBEDDING, of("embed", ids, table), 0, bytes(), () -> engine.embed(ids, table, dropout));
    }

    @Override
    public void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout) {
        timed(
                Phase.EMBEDDING,
                of("embedBackward", ids, dTable),
                0,
                bytes(dy, dy),
                () -> engine.embedBackward(dy, ids, dTable, dropout));
    }

    @Override
    public Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings) {
        return timed(
                Phase.LOSS,
                of("tokenLoss", hidden, w),
                products(hidden, w),
                bytes(hidden, w),
                () -> engine.tokenLoss(hidden, w, targets, settings));
    }

    @Override
    public LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw) {
        return timed(
                Phase.LOSS,
                of("tokenLossGradient", hidden, w),
                3 * products(hidden, w),
                bytes(hidden, w, dw),
                () -> engine.tokenLossGradient(hidden, w, targets, settings, weight, dw));
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
        return timed(
                Phase.LOSS,
                of("distillationGradient", hidden, w),
                3 * products(hidden, w),
                bytes(hidden, w, dw),
                () -> engine.distillationGradient(hidden, w, targets, soft, settings, weight, dw));
    }

    @Override
    public Tensor logits(Tensor hidden, Tensor w, double scale) {
        return timed(
                Phase.LOSS,
                of("logits", hidden, w),
                products(hidden, w),
                bytes(hidden, w),
                () -> engine.logits(hidden, w, scale));
    }

    @Override
    public Tensor routerInput(Tensor x, Dropout noise) {
        return timed(Phase.ROUTING, "routerInput " + x, 0, bytes(x), () -> engine.routerInput(x, noise));
    }

    @Override
    public void routerInputBackward(Tensor dy, Dropout noise, Tensor dx) {
        timed(
                Phase.ROUTING,
                "routerInputBackward " + dy,
                0,
                bytes(dy, dx),
                () -> engine.routerInputBackward(dy, noise, dx));
    }

    @Override
    public Tensor roundedToBf16(Tensor x) {
        return timed(Phase.ROUTING, "roundedToBf16 " + x, 0, bytes(x), () -> engine.roundedToBf16(x));
    }

    @Override
    public Tensor routerLogits(Tensor x, Tensor w) {
        return timed(
                Phase.ROUTING, of("routerLogits", x, w), products(x, w), bytes(x, w), () -> engine.routerLogits(x, w));
    }

    @Override
    public Tensor routerLogitsBackward(Tensor dLogits, Tensor x, Tensor w, Tensor dw, Write write) {
        return timed(
                Phase.ROUTING,
                of("routerLogitsBackward", x, w),
                2 * products(x, w),
                bytes(x, w),
                () -> engine.routerLogitsBackward(dLogits, x, w, dw, write));
    }

    @Override
    public RouterScores routerScores(Tensor x, Dropout noise, Tensor w) {
        return timed(
                Phase.ROUTING,
                of("routerScores", x, w),
                products(x, w),
                bytes(x, w),
                () -> engine.routerScores(x, noise, w));
    }

    @Override
    public Tensor routerScoresWeightGradient(
            Tensor dLogits, Tensor x, Tensor input, Dropout noise, Tensor w, Tensor dw, Write write) {
        return timed(
                Phase.ROUTING,
                of("routerScoresWeightGradient", x, w),
                products(x, w),
                bytes(dLogits, x, dw),
                () -> engine.routerScoresWeightGradient(dLogits, x, input, noise, w, dw, write));
    }

    @Override
    public void routerScoresInputGradient(Tensor dLogits, Tensor dInput, Dropout noise, Tensor w, Tensor dx) {
        timed(
                Phase.ROUTING,
                of("routerScoresInputGradient", dx, w),
                products(dx, w),
                bytes(dLogits, dx, dx, w),
                () -> engine.routerScoresInputGradient(dLogits, dInput, noise, w, dx));
    }

    @Override
    public Routing route(RoutingPlan plan, Tensor logits, Tensor routed) {
        return timed(Phase.ROUTING, "route " + logits, 0, bytes(logits), () -> engine.route(plan, logits, routed));
    }

    @Override
    public Tensor routeBackward(Routing routing, Tensor dGate, double balanceWeight, double zWeight) {
        return timed(
                Phase.ROUTING,
                "routeBackward " + dGate,
                0,
                bytes(dGate),
                () -> engine.routeBackward(routing, dGate, balanceWeight, zWeight));
    }

    @Override
    public Tensor dispatch(Tensor x, Routing routing) {
        return timed(Phase.ROUTING, "dispatch " + x, 0, bytes(), () -> engine.dispatch(x, routing));
    }

    @Override
    public Tensor dispatchBackward(Tensor dSlots, Routing routing) {
        return timed(
                Phase.ROUTING,
                "dispatchBackward " + dSlots,
                0,
                bytes(dSlots),
                () -> engine.dispatchBackward(dSlots, routing));
    }

    @Override
    public Tensor combine(Tensor slots, Routing routing) {
        return timed(Phase.ROUTING, "combine " + slots, 0, bytes(slots), () -> engine.combine(slots, routing));
    }

    @Override
    public CombineGradient combineBackward(Tensor dy, Tensor slots, Routing routing) {
        return timed(
                Phase.ROUTING,
                "combineBackward " + slots,
                0,
                bytes(slots),
                () -> engine.combineBackward(dy, slots, routing));
    }

    @Override
    public void append(Tensor rows, Tensor cache, int position) {
        timed(Phase.TRANSFERS, "append " + rows, 0, bytes(rows), () -> engine.append(rows, cache, position));
    }

    @Override
    public Tensor gatherRows(Tensor x, Tensor indices) {
        return timed(Phase.TRANSFERS, "gatherRows " + x, 0, bytes(), () -> engine.gatherRows(x, indices));
    }

    @Override
    public double sumSquares(List<Tensor> tensors) {
        return timed(
                Phase.OPTIMIZER,
                "sumSquares",
                0,
                bytes(tensors.toArray(Tensor[]::new)),
                () -> engine.sumSquares(tensors));
    }

    @Override
    public void adafactor(AdafactorStep step, List<AdafactorSlot> slots) {
        timed(Phase.OPTIMIZER, "adafactor", 0, adafactorBytes(slots), () -> engine.adafactor(step, slots));
    }

    @Override
    public void adafactor(AdafactorStep step, List<AdafactorSlot> slots, Tensor squares) {
        timed(Phase.OPTIMIZER, "adafactor", 0, adafactorBytes(slots), () -> engine.adafactor(step, slots, squares));
    }

    @Override
    public void adamw(AdamWStep step, List<AdamWSlot> slots) {
        timed(Phase.OPTIMIZER, "adamw", 0, adamwBytes(slots), () -> engine.adamw(step, slots));
    }

    @Override
    public void adamw(AdamWStep step, List<AdamWSlot> slots, Tensor squares) {
        timed(Phase.OPTIMIZER, "adamw", 0, adamwBytes(slots), () -> engine.adamw(step, slots, squares));
    }

    @Override
    public void expectStep(long rows) {
        engine.expectStep(rows);
    }

    @Override
    public boolean stepsSumSquares() {
        return engine.stepsSumSquares();
    }

    @Override
    public void close() {
        engine.close();
    }
}
