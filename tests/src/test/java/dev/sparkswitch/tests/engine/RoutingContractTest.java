package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingPolicy.ExpertChoice;
import dev.sparkswitch.engine.RoutingPolicy.Hash;
import dev.sparkswitch.engine.RoutingPolicy.TopK;
import dev.sparkswitch.engine.RoutingPolicy.TopP;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
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

    private static RoutingPlan plan(RoutingPolicy policy, Overflow overflow, int groups, int tokens, int capacity) {
        return new RoutingPlan(policy, overflow, Sampling.NONE, groups, tokens, capacity, groups);
    }

    private static RoutingPlan plan(RoutingPolicy policy, int groups, int tokens, int capacity) {
        return plan(policy, Overflow.DROP, groups, tokens, capacity);
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void topPTakesExpertsUntilTheyAreEnough(EngineCase engineCase) {
        for (double p : new double[] {0.01, 0.5, 0.9, 1}) {
            check(engineCase, plan(new TopP(p, 3), 3, 17, 4), logits(51, 5), all(51));
            check(engineCase, plan(new TopP(p, 1), 1, 17, 17), logits(17, 3), all(17));
            check(engineCase, plan(new TopP(p, 5), 2, 17, 2), logits(34, 5), some(34));
        }
        check(engineCase, plan(new TopP(0.7, 3), 1, 1, 1), logits(1, 3), all(1));
        check(engineCase, plan(new TopP(0.7, 1), 1, 1, 1), logits(1, 1), all(1));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aSureTokenHasOneExpertOfTopPAndAnUnsureOneAllThatAreAllowed(EngineCase engineCase) {
        // Probabilities of the first token: 0.97 and more for expert 1; of the second: a fifth each.
        Grid logits = Grid.of(i -> Real.variable(i == 1 ? 5 : 0), 2, 5);
        RoutingPlan plan = plan(new TopP(0.75, 4), 1, 2, 2);
        check(engineCase, plan, logits, all(2));
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(plan, bench.master(logits), bench.integers(all(2), 2))) {
            assertThat(bench.ints(routing.slotsOfToken())).containsExactly(2, -1, -1, -1, 0, 3, 4, 6);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void expertsTakeTheirBestTokens(EngineCase engineCase) {
        check(engineCase, plan(new ExpertChoice(5, 2, 1), 3, 17, 6), logits(51, 5), all(51));
        check(engineCase, plan(new ExpertChoice(5, 1, 1), 2, 17, 3), logits(34, 5), some(34));
        check(engineCase, plan(new ExpertChoice(3, 1.25, 4), 1, 7, 4), logits(7, 3), some(7));
        check(engineCase, plan(new ExpertChoice(3, 3, 1), 1, 17, 17), logits(17, 3), all(17));
        check(engineCase, plan(new ExpertChoice(3, 0, 1), 1, 17, 1), logits(17, 3), all(17));
        check(engineCase, plan(new ExpertChoice(3, 1, 1), 1, 1, 1), logits(1, 3), all(1));
        check(engineCase, plan(new ExpertChoice(1, 1, 1), 1, 17, 17), logits(17, 1), some(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void anExpertTakesTheEarlierOfEqualTokens(EngineCase engineCase) {
        RoutingPlan plan = plan(new ExpertChoice(2, 1, 1), 1, 6, 3);
        Grid ties = Grid.of(i -> Real.variable(i == 4 ? 1 : 0), 6, 2);
        check(engineCase, plan, ties, all(6));
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(plan, bench.master(ties), bench.integers(all(6), 6))) {
            assertThat(bench.ints(routing.tokenOfSlot())).containsExactly(0, 1, 2, 0, 1, 3);
            // Tokens 4 and 5 are nobody's.
            assertThat(bench.doubles(routing.statistics())[RoutingStatistics.DROPPED])
                    .isEqualTo(2);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void whatExpertsTakeDoesNotDependOnPadding(EngineCase engineCase) {
        Grid logits = logits(7, 3);
        Grid padded = Grid.of(i -> i < 21 ? logits.values()[i] : Real.variable(3), 40, 3);
        int[] routed = new int[40];
        Arrays.fill(routed, 0, 7, 1);
        ExpertChoice policy = new ExpertChoice(3, 1.5, 1);
        try (Bench bench = engineCase.open();
                Routing alone =
                        bench.engine.route(plan(policy, 1, 7, 3), bench.master(logits), bench.integers(all(7), 7));
                Routing among =
                        bench.engine.route(plan(policy, 1, 40, 20), bench.master(padded), bench.integers(routed, 40))) {
            int[] few = bench.ints(alone.tokenOfSlot());
            int[] many = bench.ints(among.tokenOfSlot());
            for (int expert = 0; expert < 3; expert++) {
                assertThat(Arrays.copyOfRange(many, expert * 20, expert * 20 + 3))
                        .isEqualTo(Arrays.copyOfRange(few, expert * 3, expert * 3 + 3));
                assertThat(many[expert * 20 + 3]).isEqualTo(-1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void overflowGoesToTheNextBestExpertWithRoom(EngineCase engineCase) {
        for (RoutingPolicy policy : List.of(new TopK(1), new TopK(2), new TopP(0.6, 3))) {
            for (int capacity : new int[] {1, 4, 17}) {
                check(engineCase, plan(policy, Overflow.REROUTE, 3, 17, capacity), logits(51, 5), all(51));
                check(engineCase, plan(policy, Overflow.REROUTE, 2, 17, capacity), logits(34, 5), some(34));
            }
            check(engineCase, plan(policy, Overflow.REROUTE, 1, 1, 1), logits(1, 5), all(1));
            check(engineCase, plan(policy, Overflow.REROUTE, 1, 17, 2), Grid.of(i -> Real.variable(0), 17, 5), all(17));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void noTokenIsLeftBehindWhileThereIsRoomAnywhere(EngineCase engineCase) {
        // All six tokens want expert 0, then 1, then 2, which have two slots each.
        Grid logits = Grid.of(i -> Real.variable(3 - i % 3), 6, 3);
        RoutingPlan plan = plan(new TopK(1), Overflow.REROUTE, 1, 6, 2);
        check(engineCase, plan, logits, all(6));
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(plan, bench.master(logits), bench.integers(all(6), 6))) {
            assertThat(bench.ints(routing.slotsOfToken())).containsExactly(0, 1, 2, 3, 4, 5);
            assertThat(bench.doubles(routing.statistics())[RoutingStatistics.DROPPED])
                    .isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void givenExpertsAreKeptWithAGateOfOne(EngineCase engineCase) {
        for (int capacity : new int[] {1, 3, 17}) {
            RoutingPlan plan = plan(new Hash(5), 3, 17, capacity);
            checkGiven(engineCase, plan, 5, random.ints(51, 0, 5).toArray(), all(51));
            checkGiven(engineCase, plan, 5, random.ints(51, 0, 5).toArray(), some(51));
            checkGiven(engineCase, plan, 5, new int[51], all(51));
            checkGiven(engineCase, plan, 5, new int[51], new int[51]);
        }
        checkGiven(engineCase, plan(new Hash(3), 1, 1, 1), 3, new int[] {2}, all(1));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aRoutingByHashHasNoGradient(EngineCase engineCase) {
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(
                        plan(new Hash(3), 1, 2, 2), bench.integers(new int[] {0, 2}, 2), bench.integers(all(2), 2))) {
            assertThatThrownBy(() -> bench.engine.routeBackward(routing, bench.master(Grid.zeros(3, 2)), 1, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("hash");
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void sampledChoicesKeepTheirProbabilitiesAsGates(EngineCase engineCase) {
        Sampling sampling = new Sampling(RandomStream.ROUTER_SAMPLING.at(5, 3, 2), 1_000_003L);
        for (RoutingPolicy policy : List.of(new TopK(1), new TopK(2), new TopP(0.8, 3))) {
            for (Overflow overflow : Overflow.values()) {
                RoutingPlan plan = new RoutingPlan(policy, overflow, sampling, 3, 17, 4, 3);
                check(engineCase, plan, logits(51, 5), all(51));
                check(engineCase, plan, logits(51, 7), some(51));
            }
        }
    }

    @Test
    void aSampledExpertComesAsOftenAsItsProbabilitySays() {
        int tokens = 40_000;
        double[] probabilities = {0.5, 0.3, 0.15, 0.05};
        Grid logits = Grid.of(i -> Real.constant(Math.log(probabilities[i % 4])), tokens, 4);
        Sampling sampling = new Sampling(RandomStream.ROUTER_SAMPLING.at(1, 1, 1), 0);
        RoutingPlan plan = new RoutingPlan(new TopK(1), Overflow.DROP, sampling, 1, tokens, tokens, 1);
        try (Bench bench = EngineCase.nd4j(Precision.FLOAT32, 2).open();
                Routing routing = bench.engine.route(plan, bench.master(logits), bench.integers(all(tokens), tokens))) {
            double[] sums = bench.doubles(routing.statistics());
            for (int e = 0; e < 4; e++) {
                // Five standard deviations of a binomial share of 40,000.
                double deviation = Math.sqrt(probabilities[e] * (1 - probabilities[e]) / tokens);
                assertThat(sums[RoutingStatistics.DEMAND + e] / tokens)
                        .isCloseTo(probabilities[e], within(5 * deviation));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void edgesOfEveryPolicy(EngineCase engineCase) {
        int[] oneEmptyGroup = all(51);
        Arrays.fill(oneEmptyGroup, 17, 34, 0);
        Grid onePopular = Grid.of(i -> Real.variable(i % 3 == 2 ? 4 + i / 512.0 : i % 3), 51, 3);
        Grid farApart = Grid.of(i -> Real.variable(i % 3 == 0 ? 512 : -512 * (i % 3)), 51, 3);
        Grid balanced = Grid.of(i -> Real.variable(i % 3 == i / 3 % 3 ? 2 : 0), 51, 3);
        for (RoutingPolicy policy : List.of(
                new TopK(1), new TopK(3), new TopP(0.7, 2), new ExpertChoice(3, 1, 1), new ExpertChoice(3, 2, 4))) {
            for (int capacity : new int[] {1, 5, 17}) {
                RoutingPlan plan = plan(policy, 3, 17, capacity);
                check(engineCase, plan, onePopular, all(51));
                check(engineCase, plan, farApart, all(51));
                check(engineCase, plan, balanced, all(51));
                check(engineCase, plan, Grid.of(i -> Real.variable(0), 51, 3), all(51));
                check(engineCase, plan, logits(51, 3), oneEmptyGroup);
                check(engineCase, plan, logits(51, 3), new int[51]);
            }
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
            Routing routing = check(bench, plan, bench.master(logits), routed, wanted);
            checkLogitGradient(bench, plan, routing, wanted, logits);
        }
    }

    /** {@link #check} of a routing whose experts are given. */
    private void checkGiven(EngineCase engineCase, RoutingPlan plan, int experts, int[] given, int[] routed) {
        ReferenceRouting wanted = new ReferenceRouting(plan, experts, given, routed);
        try (Bench bench = engineCase.open()) {
            check(bench, plan, bench.integers(given, given.length), routed, wanted);
        }
    }

    private Routing check(Bench bench, RoutingPlan plan, Tensor scores, int[] routed, ReferenceRouting wanted) {
        Tensor takesPart = bench.integers(routed, routed.length);
        Routing routing = bench.fresh(() -> bench.engine.route(plan, scores, takesPart), RoutingContractTest::tensors);
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
