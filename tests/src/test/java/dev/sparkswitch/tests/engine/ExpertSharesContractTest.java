package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.engine.ExpertShares;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingPolicy.TopK;
import dev.sparkswitch.engine.RoutingPolicy.TopP;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Routing to experts of different sizes. */
class ExpertSharesContractTest {
    private final RoutingCheck check = new RoutingCheck(new Random(7));

    static Stream<EngineCase> engines() {
        return EngineCase.all();
    }

    @ParameterizedTest
    @MethodSource("engines")
    void everyExpertHasSlotsAndAWeightOfItsOwn(EngineCase engineCase) {
        ExpertShares shares = ExpertShares.of(List.of(8, 1, 4, 2, 2), List.of(6, 1, 4, 2, 1));
        for (Overflow overflow : Overflow.values()) {
            for (RoutingPolicy policy : List.of(new TopK(1), new TopK(2), new TopP(0.6, 3))) {
                RoutingPlan plan = new RoutingPlan(policy, overflow, Sampling.NONE, 3, 17, 6, 3, shares);
                check.against(engineCase, plan, check.logits(51, 5), check.some(51));
            }
        }
    }

    /** f = P = s: three of four tokens go to the expert of three quarters of the size. */
    @ParameterizedTest
    @MethodSource("engines")
    void theBalanceLossIsOneWhereLoadFollowsSize(EngineCase engineCase) {
        ExpertShares shares = ExpertShares.of(List.of(3, 1), List.of(3, 1));
        RoutingPlan plan = new RoutingPlan(new TopK(1), Overflow.DROP, Sampling.NONE, 1, 4, 3, 1, shares);
        double[] toFirst = {0.9, 0.9, 0.9, 0.3};
        Grid logits =
                Grid.of(i -> Real.variable(i % 2 == 0 ? Math.log(toFirst[i / 2] / (1 - toFirst[i / 2])) : 0), 4, 2);
        try (Bench bench = engineCase.open();
                Routing routing =
                        bench.engine.route(plan, bench.master(logits), bench.integers(RoutingCheck.all(4), 4))) {
            double[] statistics = bench.doubles(routing.statistics());
            assertThat(statistics[RoutingStatistics.BALANCE]).isCloseTo(1, within(1e-6));
            assertThat(statistics[RoutingStatistics.DROPPED]).isZero();
        }
    }
}
