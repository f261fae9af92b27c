package dev.sparkswitch.tests.engine;

import static dev.sparkswitch.tests.engine.RoutingCheck.all;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.RandomStream;
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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The routing policies beyond top-k, rerouting and sampling, on every engine. */
class RoutingPolicyContractTest {
    private final Random random = new Random(7);
    private final RoutingCheck check = new RoutingCheck(random);

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
            check.against(engineCase, plan(new TopP(p, 3), 3, 17, 4), check.logits(51, 5), all(51));
            check.against(engineCase, plan(new TopP(p, 1), 1, 17, 17), check.logits(17, 3), all(17));
            check.against(engineCase, plan(new TopP(p, 5), 2, 17, 2), check.logits(34, 5), check.some(34));
        }
        check.against(engineCase, plan(new TopP(0.7, 3), 1, 1, 1), check.logits(1, 3), all(1));
        check.against(engineCase, plan(new TopP(0.7, 1), 1, 1, 1), check.logits(1, 1), all(1));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aSureTokenHasOneExpertOfTopPAndAnUnsureOneAllThatAreAllowed(EngineCase engineCase) {
        // Probabilities of the first token: 0.97 and more for expert 1; of the second: a fifth each.
        Grid logits = Grid.of(i -> Real.variable(i == 1 ? 5 : 0), 2, 5);
        RoutingPlan plan = plan(new TopP(0.75, 4), 1, 2, 2);
        check.against(engineCase, plan, logits, all(2));
        try (Bench bench = engineCase.open();
                Routing routing = bench.engine.route(plan, bench.master(logits), bench.integers(all(2), 2))) {
            assertThat(bench.ints(routing.slotsOfToken())).containsExactly(2, -1, -1, -1, 0, 3, 4, 6);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void expertsTakeTheirBestTokens(EngineCase engineCase) {
        check.against(engineCase, plan(new ExpertChoice(5, 2, 1), 3, 17, 6), check.logits(51, 5), all(51));
        check.against(engineCase, plan(new ExpertChoice(5, 1, 1), 2, 17, 3), check.logits(34, 5), check.some(34));
        check.against(engineCase, plan(new ExpertChoice(3, 1.25, 4), 1, 7, 4), check.logits(7, 3), check.some(7));
        check.against(engineCase, plan(new ExpertChoice(3, 3, 1), 1, 17, 17), check.logits(17, 3), all(17));
        check.against(engineCase, plan(new ExpertChoice(3, 0, 1), 1, 17, 1), check.logits(17, 3), all(17));
        check.against(engineCase, plan(new ExpertChoice(3, 1, 1), 1, 1, 1), check.logits(1, 3), all(1));
        check.against(engineCase, plan(new ExpertChoice(1, 1, 1), 1, 17, 17), check.logits(17, 1), check.some(17));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void anExpertTakesTheEarlierOfEqualTokens(EngineCase engineCase) {
        RoutingPlan plan = plan(new ExpertChoice(2, 1, 1), 1, 6, 3);
        Grid ties = Grid.of(i -> Real.variable(i == 4 ? 1 : 0), 6, 2);
        check.against(engineCase, plan, ties, all(6));
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
        Grid logits = check.logits(7, 3);
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
                check.against(
                        engineCase, plan(policy, Overflow.REROUTE, 3, 17, capacity), check.logits(51, 5), all(51));
                check.against(
                        engineCase,
                        plan(policy, Overflow.REROUTE, 2, 17, capacity),
                        check.logits(34, 5),
                        check.some(34));
            }
            check.against(engineCase, plan(policy, Overflow.REROUTE, 1, 1, 1), check.logits(1, 5), all(1));
            check.against(
                    engineCase,
                    plan(policy, Overflow.REROUTE, 1, 17, 2),
                    Grid.of(i -> Real.variable(0), 17, 5),
                    all(17));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void noTokenIsLeftBehindWhileThereIsRoomAnywhere(EngineCase engineCase) {
        // All six tokens want expert 0, then 1, then 2, which have two slots each.
        Grid logits = Grid.of(i -> Real.variable(3 - i % 3), 6, 3);
        RoutingPlan plan = plan(new TopK(1), Overflow.REROUTE, 1, 6, 2);
        check.against(engineCase, plan, logits, all(6));
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
            check.givenAgainst(engineCase, plan, 5, random.ints(51, 0, 5).toArray(), all(51));
            check.givenAgainst(engineCase, plan, 5, random.ints(51, 0, 5).toArray(), check.some(51));
            check.givenAgainst(engineCase, plan, 5, new int[51], all(51));
            check.givenAgainst(engineCase, plan, 5, new int[51], new int[51]);
        }
        check.givenAgainst(engineCase, plan(new Hash(3), 1, 1, 1), 3, new int[] {2}, all(1));
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
                check.against(engineCase, plan, check.logits(51, 5), all(51));
                check.against(engineCase, plan, check.logits(51, 7), check.some(51));
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
                check.against(engineCase, plan, onePopular, all(51));
                check.against(engineCase, plan, farApart, all(51));
                check.against(engineCase, plan, balanced, all(51));
                check.against(engineCase, plan, Grid.of(i -> Real.variable(0), 51, 3), all(51));
                check.against(engineCase, plan, check.logits(51, 3), oneEmptyGroup);
                check.against(engineCase, plan, check.logits(51, 3), new int[51]);
            }
        }
    }
}
