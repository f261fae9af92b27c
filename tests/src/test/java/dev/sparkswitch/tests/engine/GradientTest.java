package dev.sparkswitch.tests.engine;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.ExpertShares;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingPolicy.ExpertChoice;
import dev.sparkswitch.engine.RoutingPolicy.TopK;
import dev.sparkswitch.engine.RoutingPolicy.TopP;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import dev.sparkswitch.tests.engine.CentralDifferences.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every backward operation of every engine against central differences of its forward operation in float64. */
@ParameterizedClass(name = "{0}")
@MethodSource("engines")
class GradientTest {
    private static final Dropout DROPOUT = Dropout.ofRows(0.3, RandomStream.DROPOUT.at(1, 2, 3), 1001);
    private static final int COORDINATES = 8;

    private final Random random = new Random(9);
    private final List<Tensor> open = new ArrayList<>();
    private final EngineCase subject;
    private final Bench proof;
    /** The engine whose gradients are checked; while differences are taken, the float64 one. */
    private Bench bench;

    private Engine engine;

    GradientTest(EngineCase subject) {
        this.subject = subject;
        this.proof = EngineCase.nd4j(Precision.FLOAT64, 1).open();
        use(subject.open());
    }

    static Stream<EngineCase> engines() {
        return EngineCase.all().filter(engine -> engine.threads() == 1);
    }

    private void use(Bench used) {
        bench = used;
        engine = used.engine;
    }

    @AfterEach
    void end() {
        bench.close();
        proof.close();
    }

    /** An argument of an operation: numbers that are changed in place. */
    private record Argument(double[] values, int... shape) {}

    private Argument argument(int... shape) {
        double[] values = new double[Grid.size(shape)];
        for (int i = 0; i < values.length; i++) {
            // A number that bf16 holds too, so that every engine is given the same.
            values[i] = Float.intBitsToFloat(Float.floatToIntBits((float) random.nextGaussian()) & 0xffff_0000);
        }
        return new Argument(values, shape);
    }

    /** The argument as it stands, as an activation, until the function has been taken. */
    private Tensor on(Argument argument) {
        return keep(bench.compute(Grid.of(argument.values(), argument.shape())));
    }

    /** {@link #on}, as a parameter. */
    private Tensor weight(Argument argument) {
        return keep(bench.parameter(Grid.of(argument.values(), argument.shape())));
    }

    /** {@link #on}, in master type. */
    private Tensor master(Argument argument) {
        return keep(bench.master(Grid.of(argument.values(), argument.shape())));
    }

    private Tensor keep(Tensor tensor) {
        open.add(tensor);
        return tensor;
    }

    private Tensor ids(int... values) {
        return keep(bench.integers(values, values.length));
    }

    /** Where the gradient of a parameter goes. */
    private Tensor zeros(int... shape) {
        return keep(bench.master(Grid.zeros(shape)));
    }

    /** Where the gradient of an activation goes. */
    private Tensor computeZeros(int... shape) {
        return keep(bench.compute(Grid.zeros(shape)));
    }

    /** Weights of a result, so that a sum is differentiated: also the gradient that comes back. */
    private static double dot(double[] values, Argument weights) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] * weights.values()[i];
        }
        return sum;
    }

    private interface Function {
        double value();
    }

    private CentralDifferences differences(String name, Function function) {
        return differences(name, COORDINATES, () -> new Value(function.value(), 0));
    }

    /** Differences of a function that is taken on the float64 engine. */
    private CentralDifferences differences(String name, int coordinates, Supplier<Value> function) {
        Supplier<Value> proven = () -> {
            Bench checked = bench;
            release();
            use(proof);
            try {
                return function.get();
            } finally {
                release();
                use(checked);
            }
        };
        return subject.precision() == Precision.FLOAT64
                ? new CentralDifferences(name, coordinates, proven)
                : CentralDifferences.rounded(name, coordinates, proven, subject.tolerance());
    }

    private void release() {
        open.forEach(Tensor::close);
        open.clear();
    }

    private double[] taken(Tensor gradient) {
        return bench.doubles(keep(gradient));
    }

    @Test
    void linear() {
        Argument x = argument(17, 5);
        Argument w = argument(3, 5);
        Argument dy = argument(17, 3);
        Tensor dx = computeZeros(17, 5);
        Tensor dw = zeros(3, 5);
        engine.linearInputGradient(on(dy), weight(w), dx, Write.SET);
        engine.linearWeightGradient(on(dy), on(x), dw, Write.SET);
        double[] ofX = bench.doubles(dx);
        double[] ofW = bench.doubles(dw);
        CentralDifferences differences = differences("linear", () -> dot(taken(engine.linear(on(x), weight(w))), dy));
        differences.check("x", x.values(), ofX);
        differences.check("w", w.values(), ofW);
        differences.done();
    }

    @Test
    void groupedLinear() {
        Argument x = argument(3, 7, 5);
        Argument w = argument(3, 9, 5);
        Argument dy = argument(3, 7, 9);
        double[] ofX = taken(engine.groupedLinearInputGradient(on(dy), weight(w)));
        Tensor dw = zeros(3, 9, 5);
        engine.groupedLinearWeightGradient(on(dy), on(x), dw, Write.SET);
        double[] ofW = bench.doubles(dw);
        CentralDifferences differences =
                differences("groupedLinear", () -> dot(taken(engine.groupedLinear(on(x), weight(w))), dy));
        differences.check("x", x.values(), ofX);
        differences.check("w", w.values(), ofW);
        differences.done();
    }

    @Test
    void addNorm() {
        Argument h = argument(17, 7);
        Argument delta = argument(17, 7);
        Argument weight = argument(7);
        Argument dNormalized = argument(17, 7);
        Argument dSum = argument(17, 7);
        Engine.Normalized forward = engine.addNorm(on(h), on(delta), DROPOUT, weight(weight), 1e-6);
        Tensor dh = on(dSum);
        Tensor dWeight = zeros(7);
        double[] ofDelta = taken(engine.addNormBackward(
                on(dNormalized), dh, forward.sum(), forward.inverseRms(), weight(weight), dWeight, Write.SET, DROPOUT));
        double[] ofH = bench.doubles(dh);
        double[] ofWeight = bench.doubles(dWeight);
        CentralDifferences differences = differences("addNorm", () -> {
            Engine.Normalized found = engine.addNorm(on(h), on(delta), DROPOUT, weight(weight), 1e-6);
            keep(found.inverseRms());
            return dot(taken(found.normalized()), dNormalized) + dot(taken(found.sum()), dSum);
        });
        differences.check("h", h.values(), ofH);
        differences.check("delta", delta.values(), ofDelta);
        differences.check("weight", weight.values(), ofWeight);
        differences.done();
    }

    @ParameterizedTest
    @EnumSource(Order.class)
    void attention(Order order) {
        AttentionShape shape = new AttentionShape(3, 3, 5, 7, 7, order);
        Argument q = argument(21, 15);
        Argument k = argument(21, 15);
        Argument v = argument(21, 15);
        Argument bias = argument(3, 13);
        Argument dResult = argument(21, 15);
        int[] segments = random.ints(21, 0, 3).toArray();
        Supplier<AttentionInputs> inputs =
                () -> new AttentionInputs(on(q), on(k), on(v), master(bias), ids(segments), ids(segments));
        Engine.Attention forward = engine.attention(shape, inputs.get(), DROPOUT);
        Tensor dq = computeZeros(21, 15);
        Tensor dk = computeZeros(21, 15);
        Tensor dv = computeZeros(21, 15);
        Tensor dBias = zeros(3, 13);
        engine.attentionBackward(
                shape, inputs.get(), forward, DROPOUT, on(dResult), new AttentionGradients(dq, dk, dv, dBias));
        double[] ofQ = bench.doubles(dq);
        double[] ofK = bench.doubles(dk);
        double[] ofV = bench.doubles(dv);
        double[] ofBias = bench.doubles(dBias);
        CentralDifferences differences = differences("attention " + order, () -> {
            Engine.Attention found = engine.attention(shape, inputs.get(), DROPOUT);
            keep(found.saved());
            return dot(taken(found.result()), dResult);
        });
        differences.check("q", q.values(), ofQ);
        differences.check("k", k.values(), ofK);
        differences.check("v", v.values(), ofV);
        differences.check("bias", bias.values(), ofBias);
        differences.done();
    }

    @ParameterizedTest
    @EnumSource(RelativePositions.Direction.class)
    void relativeBias(RelativePositions.Direction direction) {
        RelativePositions positions = new RelativePositions(0, 13, 13, 6, 8, direction);
        Argument table = argument(6, 3);
        Argument dBias = argument(3, 25);
        Tensor dTable = zeros(6, 3);
        engine.relativeBiasGradient(master(dBias), positions, dTable, Write.SET);
        double[] ofTable = bench.doubles(dTable);
        CentralDifferences differences = differences(
                "relativeBias " + direction, () -> dot(taken(engine.relativeBias(weight(table), positions)), dBias));
        differences.check("table", table.values(), ofTable);
        differences.done();
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activation(Activation activation) {
        Dropout planes = new Dropout(0.3, RandomStream.DROPOUT.at(1, 2, 3), 17, 2, 5);
        Argument x = argument(3, 5, 7 * activation.branches());
        Argument dy = argument(3, 5, 7);
        double[] ofX = taken(engine.activationBackward(on(dy), on(x), activation, planes));
        CentralDifferences differences = differences(
                "activation " + activation, () -> dot(taken(engine.activation(on(x), activation, planes)), dy));
        differences.check("x", x.values(), ofX);
        differences.done();
    }

    @Test
    void embed() {
        int[] ids = random.ints(17, 0, 5).toArray();
        Argument table = argument(5, 7);
        Argument dy = argument(17, 7);
        Tensor dTable = zeros(5, 7);
        engine.embedBackward(on(dy), ids(ids), dTable, DROPOUT);
        double[] ofTable = bench.doubles(dTable);
        CentralDifferences differences =
                differences("embed", () -> dot(taken(engine.embed(ids(ids), weight(table), DROPOUT)), dy));
        differences.check("table", table.values(), ofTable);
        differences.done();
    }

    @Test
    void tokenLoss() {
        LossSettings settings = new LossSettings(0.4, 0.1, 0.01);
        int[] targets = random.ints(17, -3, 11).toArray();
        Argument hidden = argument(17, 5);
        Argument w = argument(11, 5);
        Tensor dw = zeros(11, 5);
        Engine.LossGradient gradient =
                engine.tokenLossGradient(on(hidden), weight(w), ids(targets), settings, 0.125, dw);
        double[] ofHidden = taken(gradient.dHidden());
        double[] ofW = bench.doubles(dw);
        CentralDifferences differences = differences(
                "tokenLoss",
                () -> 0.125
                        * Arrays.stream(taken(engine.tokenLoss(on(hidden), weight(w), ids(targets), settings)))
                                .sum());
        differences.check("hidden", hidden.values(), ofHidden);
        differences.check("w", w.values(), ofW);
        differences.done();
    }

    @Test
    void distillation() {
        DistillationSettings settings = new DistillationSettings(new LossSettings(0.4, 0.1, 0.01), 0.25, 2.5);
        int[] targets = random.ints(17, -3, 11).toArray();
        Argument hidden = argument(17, 5);
        Argument w = argument(11, 5);
        Argument teacherHidden = argument(17, 3);
        Argument teacherHead = argument(11, 3);
        int[] ids =
                random.ints(17, 0, 10).flatMap(id -> IntStream.of(id, id + 1)).toArray();
        double[] probabilities = IntStream.range(0, 34)
                .mapToDouble(i -> i % 2 == 0 ? 0.75 : 0.25)
                .toArray();
        Map<String, Supplier<SoftTargets>> teachers = Map.of(
                "of a teacher", () -> new SoftTargets.OfTeacher(on(teacherHidden), weight(teacherHead), 0.7),
                "of its likeliest tokens",
                        () -> new SoftTargets.TopK(
                                keep(bench.integers(ids, 17, 2)), keep(bench.master(Grid.of(probabilities, 17, 2)))));
        teachers.forEach((name, teacher) -> {
            Tensor dw = zeros(11, 5);
            Engine.LossGradient gradient = engine.distillationGradient(
                    on(hidden), weight(w), ids(targets), teacher.get(), settings, 0.125, dw);
            keep(gradient.tokenLoss());
            double[] ofHidden = taken(gradient.dHidden());
            double[] ofW = bench.doubles(dw);
            CentralDifferences differences = differences("distillation " + name, () -> {
                Engine.LossGradient found = engine.distillationGradient(
                        on(hidden), weight(w), ids(targets), teacher.get(), settings, 0.125, zeros(11, 5));
                keep(found.dHidden());
                return 0.125 * Arrays.stream(taken(found.tokenLoss())).sum();
            });
            differences.check("hidden", hidden.values(), ofHidden);
            differences.check("w", w.values(), ofW);
            differences.done();
        });
    }

    private static RoutingPlan plan(RoutingPolicy policy, Overflow overflow, Sampling sampling) {
        return new RoutingPlan(policy, overflow, sampling, 3, 7, 3, 3);
    }

    /** Four experts of different sizes. */
    private static RoutingPlan unequal(RoutingPolicy policy, Overflow overflow) {
        ExpertShares shares = ExpertShares.of(List.of(4, 1, 2, 3), List.of(4, 1, 2, 3));
        return new RoutingPlan(policy, overflow, Sampling.NONE, 3, 7, 4, 3, shares);
    }

    static Stream<RoutingPlan> plans() {
        Sampling sampling = new Sampling(RandomStream.ROUTER_SAMPLING.at(1, 2, 3), 1001);
        return Stream.of(
                plan(new TopK(1), Overflow.DROP, Sampling.NONE),
                plan(new TopK(2), Overflow.DROP, Sampling.NONE),
                plan(new TopK(3), Overflow.DROP, Sampling.NONE),
                plan(new TopK(1), Overflow.REROUTE, Sampling.NONE),
                plan(new TopK(2), Overflow.REROUTE, Sampling.NONE),
                plan(new TopK(3), Overflow.REROUTE, sampling),
                plan(new TopK(2), Overflow.DROP, sampling),
                plan(new TopP(0.6, 3), Overflow.DROP, Sampling.NONE),
                plan(new TopP(0.6, 3), Overflow.REROUTE, sampling),
                plan(new ExpertChoice(4, 1.5, 1), Overflow.DROP, Sampling.NONE),
                unequal(new TopK(1), Overflow.DROP),
                unequal(new TopK(2), Overflow.REROUTE));
    }

    @ParameterizedTest
    @MethodSource("plans")
    void theWholeWayOfATokenThroughItsExperts(RoutingPlan plan) {
        int[] routed = random.ints(21, 0, 4).map(value -> Math.min(value, 1)).toArray();
        Argument x = argument(21, 5);
        Argument router = argument(4, 5);
        Argument dy = argument(21, 5);
        Argument w = argument(4, 5, 5);
        double balance = 0.3;
        double z = 0.05;

        Tensor input = engine.routerInput(on(x), DROPOUT);
        Routing routing = engine.route(plan, engine.routerLogits(input, weight(router)), ids(routed));
        Tensor slots = engine.dispatch(on(x), routing);
        Tensor results = engine.groupedLinear(slots, weight(w));
        Engine.CombineGradient combined = engine.combineBackward(on(dy), results, routing);
        Tensor dw = zeros(4, 5, 5);
        engine.groupedLinearWeightGradient(combined.dSlots(), slots, dw, Write.SET);
        Tensor dx = engine.dispatchBackward(engine.groupedLinearInputGradient(combined.dSlots(), weight(w)), routing);
        Tensor dRouter = zeros(4, 5);
        Tensor dInput = engine.routerLogitsBackward(
                engine.routeBackward(routing, combined.dGate(), balance, z), input, weight(router), dRouter, Write.SET);
        engine.routerInputBackward(dInput, DROPOUT, dx);
        double[] ofX = bench.doubles(dx);
        double[] ofW = bench.doubles(dw);
        double[] ofRouter = bench.doubles(dRouter);

        CentralDifferences differences = differences("routing " + plan, 25, () -> {
            Tensor noisy = keep(engine.routerInput(on(x), DROPOUT));
            try (Routing found = engine.route(plan, keep(engine.routerLogits(noisy, weight(router))), ids(routed))) {
                Tensor sent = keep(engine.dispatch(on(x), found));
                Tensor back = keep(engine.combine(keep(engine.groupedLinear(sent, weight(w))), found));
                double[] sums = bench.doubles(found.statistics());
                double value = dot(bench.doubles(back), dy)
                        + balance * sums[RoutingStatistics.BALANCE]
                        + z * sums[RoutingStatistics.Z];
                Object piece = Arrays.toString(bench.ints(found.tokenOfSlot()))
                        + Arrays.toString(bench.ints(found.firstChoice()));
                return new Value(value, piece);
            }
        });
        differences.check("x", x.values(), ofX);
        differences.check("w", w.values(), ofW);
        differences.check("router", router.values(), ofRouter);
        differences.done();
    }
}
