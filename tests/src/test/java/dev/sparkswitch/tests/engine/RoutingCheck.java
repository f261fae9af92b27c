package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Routings of an engine beside {@link ReferenceRouting}, with everything that follows from them. */
final class RoutingCheck {
    private static final double BALANCE = 0.3;
    private static final double Z = 0.07;

    private final Random random;
    private final int width;

    RoutingCheck(Random random) {
        this(random, 5);
    }

    /** Checks with tokens of {@code width} elements. */
    RoutingCheck(Random random, int width) {
        this.random = random;
        this.width = width;
    }

    /** Numbers that are far enough apart to be in one order in float32 and float64. */
    Grid logits(int tokens, int experts) {
        return Grid.of(i -> Real.variable(random.nextInt(1 << 16) / 8192.0 - 4), tokens, experts);
    }

    static int[] all(int tokens) {
        int[] routed = new int[tokens];
        Arrays.fill(routed, 1);
        return routed;
    }

    int[] some(int tokens) {
        int[] routed = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            routed[t] = random.nextInt(3) == 0 ? 0 : 1;
        }
        return routed;
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
    void against(EngineCase engineCase, RoutingPlan plan, Grid logits, int[] routed) {
        ReferenceRouting wanted = new ReferenceRouting(plan, logits, routed);
        try (Bench bench = engineCase.open()) {
            Routing routing = route(bench, plan, bench.master(logits), routed, wanted);
            checkLogitGradient(bench, plan, routing, wanted, logits);
        }
    }

    /** {@link #against} of a routing whose experts are given. */
    void givenAgainst(EngineCase engineCase, RoutingPlan plan, int experts, int[] given, int[] routed) {
        ReferenceRouting wanted = new ReferenceRouting(plan, experts, given, routed);
        try (Bench bench = engineCase.open()) {
            route(bench, plan, bench.integers(given, given.length), routed, wanted);
        }
    }

    private Routing route(Bench bench, RoutingPlan plan, Tensor scores, int[] routed, ReferenceRouting wanted) {
        Tensor takesPart = bench.integers(routed, routed.length);
        Routing routing = bench.fresh(() -> bench.engine.route(plan, scores, takesPart), RoutingCheck::tensors);
        bench.assertClose("route, probabilities", routing.probabilities(), wanted.probabilities);
        bench.assertClose("route, logSumExp", routing.logSumExp(), wanted.logSumExp);
        bench.assertClose("route, gates", routing.gateOfSlot(), wanted.gateOfSlot);
        bench.assertClose("route, demand", routing.demand(), wanted.demand);
        bench.assertClose("route, statistics", routing.statistics(), wanted.statistics);
        assertThat(bench.ints(routing.tokenOfSlot())).isEqualTo(wanted.tokenOfSlot);
        assertThat(bench.ints(routing.slotsOfToken())).isEqualTo(wanted.slotsOfToken);
        assertThat(bench.ints(routing.firstChoice())).isEqualTo(wanted.firstChoice);
        assertThat(routing.tokenOfSlot().shape()).containsExactly(routing.experts(), plan.slots());
        checkDispatch(bench, plan, routing, wanted);
        checkCombine(bench, plan, routing, wanted);
        return routing;
    }

    private void checkLogitGradient(
            Bench bench, RoutingPlan plan, Routing routing, ReferenceRouting wanted, Grid logits) {
        Grid dGate = Grid.random(random, logits.extent(1), plan.slots());
        Real sum =
                wanted.gateOfSlot.dot(dGate).plus(wanted.balance.times(BALANCE)).plus(wanted.z.times(Z));
        for (Grid input : List.of(logits, wanted.probabilities, wanted.logSumExp)) {
            for (Real value : input.values()) {
                sum = sum.plus(value.times(0));
            }
        }
        Real.differentiate(sum);
        Tensor gradient = bench.master(dGate);
        double[] found = bench.doubles(bench.fresh(() -> bench.engine.routeBackward(routing, gradient, BALANCE, Z)));
        bench.assertClose("routeBackward", found, wanted.logitGradient(logits), 1);
    }

    private void checkDispatch(Bench bench, RoutingPlan plan, Routing routing, ReferenceRouting wanted) {
        Grid x = Grid.random(random, plan.tokens(), width);
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
        Grid slots = Grid.random(random, experts, plan.slots(), width);
        double[] gateValues = wanted.gateOfSlot.doubles();
        Grid gates = Grid.of(gateValues, experts, plan.slots());
        Grid y = wanted.combine(slots, gates);
        Grid dy = Grid.random(random, plan.tokens(), width);
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
}
