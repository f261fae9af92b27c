package dev.sparkswitch.tests.engine;

import static dev.sparkswitch.tests.engine.RoutingCheck.all;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Routing by top-k, the form that all policies share, and its edges, on every engine. */
class RoutingContractTest {
    private static final int MODEL = 5;

    private final Random random = new Random(6);
    private final RoutingCheck check = new RoutingCheck(random);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void topOne(EngineCase engineCase) {
        for (int experts : new int[] {1, 3, 17}) {
            check.against(engineCase, new RoutingPlan(1, 1, 1, 1, 1), check.logits(1, experts), all(1));
            check.against(engineCase, new RoutingPlan(1, 3, 17, 3, 3), check.logits(51, experts), all(51));
            check.against(engineCase, new RoutingPlan(1, 3, 17, 1, 1), check.logits(51, experts), all(51));
            check.against(engineCase, new RoutingPlan(1, 1, 33, 33, 1), check.logits(33, experts), check.some(33));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void manyExpertsAndLongGroups(EngineCase engineCase) {
        check.against(engineCase, new RoutingPlan(1, 2, 100, 3, 2), check.logits(200, 70), check.some(200));
        check.against(engineCase, new RoutingPlan(2, 2, 100, 30, 1), check.logits(200, 7), check.some(200));
        check.against(engineCase, new RoutingPlan(3, 1, 100, 2, 1), check.logits(100, 300), all(100));
        check.against(engineCase, new RoutingPlan(2, 1, 20, 1, 1), check.logits(20, 2048), all(20));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void wideTokens(EngineCase engineCase) {
        RoutingCheck wide = new RoutingCheck(random, 328);
        wide.against(engineCase, new RoutingPlan(2, 1, 17, 5, 1), wide.logits(17, 3), wide.some(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void topKInItsOrderOfCapacity(EngineCase engineCase) {
        check.against(engineCase, new RoutingPlan(2, 1, 1, 1, 1), check.logits(1, 3), all(1));
        check.against(engineCase, new RoutingPlan(2, 3, 17, 3, 3), check.logits(51, 5), all(51));
        check.against(engineCase, new RoutingPlan(3, 2, 17, 1, 1), check.logits(34, 5), check.some(34));
        check.against(engineCase, new RoutingPlan(3, 1, 17, 17, 1), check.logits(17, 3), check.some(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void equalProbabilitiesGoToTheLowerExpert(EngineCase engineCase) {
        Grid ties = Grid.of(i -> Real.variable(i % 3 == 1 ? 2 : 1), 17, 7);
        for (int choices : new int[] {1, 2, 7}) {
            check.against(engineCase, new RoutingPlan(choices, 1, 17, 4, 1), ties, all(17));
            check.against(
                    engineCase, new RoutingPlan(choices, 1, 17, 17, 1), Grid.of(i -> Real.variable(0), 17, 7), all(17));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void allTokensToOneExpert(EngineCase engineCase) {
        for (int capacity : new int[] {1, 5, 17}) {
            for (int choices : new int[] {1, 2}) {
                Grid logits = Grid.of(i -> Real.variable(i % 3 == 2 ? 4 + i / 512.0 : i % 3), 51, 3);
                check.against(engineCase, new RoutingPlan(choices, 3, 17, capacity, 3), logits, all(51));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void paddingOnlyAndEmptyGroupsAddNothing(EngineCase engineCase) {
        int[] oneEmptyGroup = all(51);
        Arrays.fill(oneEmptyGroup, 17, 34, 0);
        for (int choices : new int[] {1, 2}) {
            check.against(engineCase, new RoutingPlan(choices, 3, 17, 5, 3), check.logits(51, 3), oneEmptyGroup);
            check.against(engineCase, new RoutingPlan(choices, 3, 17, 5, 3), check.logits(51, 3), new int[51]);
            check.against(engineCase, new RoutingPlan(choices, 3, 17, 5, 1), check.logits(51, 3), new int[51]);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void farApartLogitsStayFinite(EngineCase engineCase) {
        Grid logits = Grid.of(i -> Real.variable(i % 3 == 0 ? 512 : -512 * (i % 3)), 17, 3);
        check.against(engineCase, new RoutingPlan(1, 1, 17, 17, 1), logits, all(17));
        check.against(engineCase, new RoutingPlan(2, 1, 17, 17, 1), logits, all(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void thePerfectBalanceHasALossOfOneAndAGradient(EngineCase engineCase) {
        RoutingPlan plan = new RoutingPlan(1, 1, 3, 1, 1);
        Grid logits = Grid.of(i -> Real.variable(i % 3 == i / 3 ? 2 : 0), 3, 3);
        check.against(engineCase, plan, logits, all(3));
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
            checkExperts(engineCase, activation, new RoutingPlan(1, 3, 17, 17, 3), check.logits(51, 5), all(51));
            checkExperts(engineCase, activation, new RoutingPlan(1, 1, 1, 1, 1), check.logits(1, 3), all(1));
            checkExperts(engineCase, activation, new RoutingPlan(2, 17, 3, 3, 17), check.logits(51, 7), check.some(51));
            checkExperts(engineCase, activation, new RoutingPlan(2, 3, 17, 2, 3), check.logits(51, 3), check.some(51));
            checkExperts(
                    engineCase, activation, new RoutingPlan(1, 1, 600, 600, 1), check.logits(600, 2), check.some(600));
            checkExperts(engineCase, activation, new RoutingPlan(1, 1, 5, 5, 1), check.logits(5, 3), new int[5]);
            checkExperts(
                    engineCase, activation, new RoutingPlan(2, 3, 67, 67, 3), check.logits(201, 9), check.some(201));
            checkExperts(
                    engineCase, activation, new RoutingPlan(1, 1, 150, 150, 1), check.logits(150, 3), new int[150]);
            checkExperts(
                    engineCase,
                    activation,
                    new RoutingPlan(
                            new RoutingPolicy.ExpertChoice(5, 1.5, 1), Overflow.DROP, Sampling.NONE, 3, 67, 60, 3),
                    check.logits(201, 5),
                    check.some(201));
            checkExperts(
                    engineCase,
                    activation,
                    new RoutingPlan(
                            new RoutingPolicy.ExpertChoice(5, 1.5, 1), Overflow.DROP, Sampling.NONE, 3, 17, 4, 3),
                    check.logits(51, 5),
                    check.some(51));
        }
    }

    /** {@code Engine.experts} beside its parts. */
    private void checkExperts(
            EngineCase engineCase, Activation activation, RoutingPlan plan, Grid logits, int[] routed) {
        int experts = logits.extent(1);
        int width = 33;
        Grid x = Grid.random(random, plan.tokens(), MODEL);
        Grid in = Grid.random(random, experts, activation.branches() * width, MODEL);
        Grid out = Grid.random(random, experts, MODEL, width);
        ReferenceRouting reference = new ReferenceRouting(plan, logits, routed);
        Grid active =
                Reference.activation(Reference.groupedLinear(reference.dispatch(x), in), activation, Dropout.NONE);
        Grid gates = Grid.of(reference.gateOfSlot.doubles(), experts, plan.slots());
        Grid wanted = reference.combine(Reference.groupedLinear(active, out), gates);
        try (Bench bench = engineCase.open();
                Routing routing =
                        bench.engine.route(plan, bench.master(logits), bench.integers(routed, routed.length))) {
            Tensor tokens = bench.compute(x);
            Tensor first = bench.parameter(in);
            Tensor second = bench.parameter(out);
            Tensor found = bench.fresh(() -> bench.engine.experts(tokens, routing, first, activation, second));
            assertThat(found.shape()).containsExactly(plan.tokens(), MODEL);
            bench.assertClose("experts", found, wanted);
        }
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
