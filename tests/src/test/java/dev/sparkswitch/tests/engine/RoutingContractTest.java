package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Routing of every engine. */
class RoutingContractTest {
    private static final int WIDTH = 5;
    private static final double BALANCE = 0.3;
    private static final double Z = 0.07;

    private final Random random = new Random(6);

    /** Numbers that are far enough apart to be in one order in float32 and float64. */
    private Grid logits(int tokens, int experts) {
        return Grid.of(i -> Real.variable(random.nextInt(1 << 16) / 8192.0 - 4), tokens, experts);
    }

    private static int[] all(int tokens) {
        int[] routed = new int[tokens];
        Arrays.fill(routed, 1);
        return routed;
    }

    private int[] some(int tokens) {
        int[] routed = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            routed[t] = random.nextInt(3) == 0 ? 0 : 1;
        }
        return routed;
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void topOne(EngineCase engineCase) {
        for (int experts : new int[] {1, 3, 17}) {
            check(engineCase, new RoutingPlan(1, 1, 1, 1, 1), logits(1, experts), all(1));
            check(engineCase, new RoutingPlan(1, 3, 17, 3, 3), logits(51, experts), all(51));
            check(engineCase, new RoutingPlan(1, 3, 17, 1, 1), logits(51, experts), all(51));
            check(engineCase, new RoutingPlan(1, 1, 33, 33, 1), logits(33, experts), some(33));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void topKInItsOrderOfCapacity(EngineCase engineCase) {
        check(engineCase, new RoutingPlan(2, 1, 1, 1, 1), logits(1, 3), all(1));
        check(engineCase, new RoutingPlan(2, 3, 17, 3, 3), logits(51, 5), all(51));
        check(engineCase, new RoutingPlan(3, 2, 17, 1, 1), logits(34, 5), some(34));
        check(engineCase, new RoutingPlan(3, 1, 17, 17, 1), logits(17, 3), some(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void equalProbabilitiesGoToTheLowerExpert(EngineCase engineCase) {
        Grid ties = Grid.of(i -> Real.variable(i % 3 == 1 ? 2 : 1), 17, 7);
        for (int choices : new int[] {1, 2, 7}) {
            check(engineCase, new RoutingPlan(choices, 1, 17, 4, 1), ties, all(17));
            check(engineCase, new RoutingPlan(choices, 1, 17, 17, 1), Grid.of(i -> Real.variable(0), 17, 7), all(17));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void allTokensToOneExpert(EngineCase engineCase) {
        for (int capacity : new int[] {1, 5, 17}) {
            for (int choices : new int[] {1, 2}) {
                Grid logits = Grid.of(i -> Real.variable(i % 3 == 2 ? 4 + i / 512.0 : i % 3), 51, 3);
                check(engineCase, new RoutingPlan(choices, 3, 17, capacity, 3), logits, all(51));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void paddingOnlyAndEmptyGroupsAddNothing(EngineCase engineCase) {
        int[] oneEmptyGroup = all(51);
        Arrays.fill(oneEmptyGroup, 17, 34, 0);
        for (int choices : new int[] {1, 2}) {
            check(engineCase, new RoutingPlan(choices, 3, 17, 5, 3), logits(51, 3), oneEmptyGroup);
            check(engineCase, new RoutingPlan(choices, 3, 17, 5, 3), logits(51, 3), new int[51]);
            check(engineCase, new RoutingPlan(choices, 3, 17, 5, 1), logits(51, 3), new int[51]);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void farApartLogitsStayFinite(EngineCase engineCase) {
        Grid logits = Grid.of(i -> Real.variable(i % 3 == 0 ? 512 : -512 * (i % 3)), 17, 3);
        check(engineCase, new RoutingPlan(1, 1, 17, 17, 1), logits, all(17));
        check(engineCase, new RoutingPlan(2, 1, 17, 17, 1), logits, all(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void thePerfectBalanceHasALossOfOneAndAGradient(EngineCase engineCase) {
        RoutingPlan plan = new RoutingPlan(1, 1, 3, 1, 1);
        Grid logits = Grid.of(i -> Real.variable(i % 3 == i / 3 ? 2 : 0), 3, 3);
        check(engineCase, plan, logits, all(3));
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(plan, bench.master(logits), bench.integers(all(3), 3))) {
            bench.assertClose(
                    "perfect balance",
                    new double[] {bench.doubles(routing.statistics())[RoutingStatistics.BALANCE]},
                    new double[] {1});
            // At perfect balance f is the same for all experts, and probabilities add up to 1: nothing pulls.
            Tensor gradient = bench.engine.routeBackward(routing, bench.master(Grid.zeros(3, 1)), 1, 0);
            assertThat(bench.doubles(gradient)).containsExactly(new double[9], within(1e-6));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void expertsAreWhatTheirPartsAre(EngineCase engineCase) {
        for (Activation activation : Activation.values()) {
            checkExperts(engineCase, activation, new RoutingPlan(1, 3, 17, 17, 3), logits(51, 5), all(51));
            checkExperts(engineCase, activation, new RoutingPlan(1, 1, 1, 1, 1), logits(1, 3), all(1));
            checkExperts(engineCase, activation, new RoutingPlan(2, 17, 3, 3, 17), logits(51, 7), some(51));
            checkExperts(engineCase, activation, new RoutingPlan(2, 3, 17, 2, 3), logits(51, 3), some(51));
            checkExperts(engineCase, activation, new RoutingPlan(1, 1, 600, 600, 1), logits(600, 2), some(600));
            checkExperts(engineCase, activation, new RoutingPlan(1, 1, 5, 5, 1), logits(5, 3), new int[5]);
        }
    }

    private void checkExperts(
            EngineCase engineCase, Activation activation, RoutingPlan plan, Grid logits, int[] routed) {
        int experts = logits.extent(1);
        int width = 33;
        Grid x = Grid.random(random, plan.tokens(), WIDTH);
        Grid in = Grid.random(random, experts, activation.branches() * width, WIDTH);
        Grid out = Grid.random(random, experts, WIDTH, width);
        ReferenceRouting reference = new ReferenceRouting(plan, logits, routed);
        Grid active =
                Reference.activation(Reference.groupedLinear(reference.dispatch(x), in), activation, Dropout.NONE);
        Grid gates = Grid.of(reference.gateOfSlot.doubles(), experts, plan.slots());
        Grid wanted = reference.combine(Reference.groupedLinear(active, out), gates);
        try (Bench bench = engineCase.open();
                Routing routing =
                        bench.engine.route(plan, bench.master(logits), bench.integers(routed, routed.length))) {
            Tensor tokens = bench.compute(x);
            Tensor first = bench.compute(in);
            Tensor second = bench.compute(out);
            Tensor found = bench.fresh(() -> bench.engine.experts(tokens, routing, first, activation, second));
            assertThat(found.shape()).containsExactly(plan.tokens(), WIDTH);
            bench.assertClose("experts", found, wanted);
        }
    }

    private static List<Tensor> tensors(Routing routing) {
        return List.of(
                routing.probabilities(),
                routing.logSumExp(),
                routing.tokenOfSlot(),
                routing.gateOfSlot(),
                routing.slotsOfToken(),
                routing.firstChoice(),
                routing.demand(),
                routing.statistics());
    }

    /** Routes, brings tokens to their slots and back, and turns all of it round. */
    private void check(EngineCase engineCase, RoutingPlan plan, Grid logits, int[] routed) {
        ReferenceRouting wanted = new ReferenceRouting(plan, logits, routed);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor numbers = bench.master(logits);
            Tensor takesPart = bench.integers(routed, routed.length);
            Routing routing = bench.fresh(() -> engine.route(plan, numbers, takesPart), RoutingContractTest::tensors);
            bench.assertClose("route, probabilities", routing.probabilities(), wanted.probabilities);
            bench.assertClose("route, logSumExp", routing.logSumExp(), wanted.logSumExp);
            bench.assertClose("route, gates", routing.gateOfSlot(), wanted.gateOfSlot);
            bench.assertClose("route, demand", routing.demand(), wanted.demand);
            bench.assertClose("route, statistics", routing.statistics(), wanted.statistics);
            assertThat(bench.ints(routing.tokenOfSlot())).isEqualTo(wanted.tokenOfSlot);
            assertThat(bench.ints(routing.slotsOfToken())).isEqualTo(wanted.slotsOfToken);
            assertThat(bench.ints(routing.firstChoice())).isEqualTo(wanted.firstChoice);
            assertThat(routing.tokenOfSlot().shape()).containsExactly(logits.extent(1), plan.slots());
            checkLogitGradient(bench, plan, routing, wanted, logits);
            checkDispatch(bench, plan, routing, wanted);
            checkCombine(bench, plan, routing, wanted);
        }
    }

    private void checkLogitGradient(
            Bench bench, RoutingPlan plan, Routing routing, ReferenceRouting wanted, Grid logits) {
        Grid dGate = Grid.random(random, logits.extent(1), plan.slots());
        Real sum =
                wanted.gateOfSlot.dot(dGate).plus(wanted.balance.times(BALANCE)).plus(wanted.z.times(Z));
        for (Real value : logits.values()) {
            sum = sum.plus(value.times(0));
        }
        Real.differentiate(sum);
        Tensor gradient = bench.master(dGate);
        double[] found = bench.doubles(bench.fresh(() -> bench.engine.routeBackward(routing, gradient, BALANCE, Z)));
        bench.assertClose("routeBackward", found, logits.derivatives(), 1);
    }

    private void checkDispatch(Bench bench, RoutingPlan plan, Routing routing, ReferenceRouting wanted) {
        Grid x = Grid.random(random, plan.tokens(), WIDTH);
        Grid slots = wanted.dispatch(x);
        Grid dSlots = Grid.random(random, slots.shape());
        Real sum = slots.dot(dSlots);
        for (Real value : x.values()) {
            sum = sum.plus(value.times(0));
        }
        Real.differentiate(sum);
        Tensor tokens = bench.compute(x);
        Tensor gradient = bench.compute(dSlots);
        bench.assertClose("dispatch", bench.fresh(() -> bench.engine.dispatch(tokens, routing)), slots);
        bench.assertClose(
                "dispatchBackward",
                bench.fresh(() -> bench.engine.dispatchBackward(gradient, routing)),
                x.derivatives());
    }

    private void checkCombine(Bench bench, RoutingPlan plan, Routing routing, ReferenceRouting wanted) {
        int experts = wanted.gateOfSlot.extent(0);
        Grid slots = Grid.random(random, experts, plan.slots(), WIDTH);
        double[] gateValues = wanted.gateOfSlot.doubles();
        Grid gates = Grid.of(gateValues, experts, plan.slots());
        Grid y = wanted.combine(slots, gates);
        Grid dy = Grid.random(random, plan.tokens(), WIDTH);
        Real sum = y.dot(dy);
        for (Grid input : List.of(slots, gates)) {
            for (Real value : input.values()) {
                sum = sum.plus(value.times(0));
            }
        }
        Real.differentiate(sum);
        Tensor results = bench.compute(slots);
        Tensor gradient = bench.compute(dy);
        bench.assertClose("combine", bench.fresh(() -> bench.engine.combine(results, routing)), y);
        Engine.CombineGradient found = bench.fresh(
                () -> bench.engine.combineBackward(gradient, results, routing),
                result -> List.of(result.dSlots(), result.dGate()));
        bench.assertClose("combineBackward, dSlots", found.dSlots(), slots.derivatives());
        bench.assertClose("combineBackward, dGate", found.dGate(), gates.derivatives());
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void theRoutersInputAndItsBackward(EngineCase engineCase) {
        Dropout jitter = Dropout.ofRows(0.25, RandomStream.JITTER.at(11, 5, 3), 1_000_003L);
        for (int[] size : List.of(new int[] {1, 1}, new int[] {17, 33}, new int[] {33, 3})) {
            for (Dropout noise : List.of(Dropout.NONE, jitter)) {
                Grid x = Grid.random(random, size);
                Grid dy = Grid.random(random, size);
                Grid before = Grid.random(random, size);
                Grid y = Reference.routerInput(x, noise);
                Real.differentiate(y.dot(dy).plus(x.dot(before)));
                try (Bench bench = engineCase.open()) {
                    Tensor tokens = bench.compute(x);
                    Tensor found = bench.fresh(() -> bench.engine.routerInput(tokens, noise));
                    assertThat(found.type()).isEqualTo(bench.engine.precision().master());
                    bench.assertClose("routerInput", found, y);
                    Tensor dx = bench.compute(before);
                    bench.engine.routerInputBackward(bench.master(dy), noise, dx);
                    bench.assertClose("routerInputBackward", dx, x.derivatives());
                }
            }
        }
    }
}
