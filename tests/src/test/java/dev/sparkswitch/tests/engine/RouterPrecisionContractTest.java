package dev.sparkswitch.tests.engine;

import static dev.sparkswitch.tests.engine.RoutingCheck.all;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.Sampling;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Routers that compute in bfloat16, on every engine. */
class RouterPrecisionContractTest {
    private final Random random = new Random(8);
    private final RoutingCheck check = new RoutingCheck(random);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void numbersBecomeTheNearestBfloat16(EngineCase engineCase) {
        // Two ties, to even downwards and upwards, what lies just beside them, and numbers that stay what they are.
        double[] x = {1 + 1 / 256.0, 1 + 3 / 256.0, 1 + 1.001 / 256.0, -(1 + 0.999 / 256.0), 0, -1.5, 3e-5, -7e5, 0.1};
        double[] wanted = {
            1,
            1 + 4 / 256.0,
            1 + 2 / 256.0,
            -1,
            0,
            -1.5,
            Reference.nearestBfloat16(3e-5),
            Reference.nearestBfloat16(-7e5),
            0.10009765625
        };
        try (Bench bench = engineCase.open()) {
            for (Tensor tensor : List.of(bench.master(Grid.of(x, 3, 3)), bench.parameter(Grid.of(x, 3, 3)))) {
                Tensor found = bench.fresh(() -> bench.engine.roundedToBf16(tensor));
                assertThat(found.type()).isEqualTo(bench.engine.precision().master());
                assertThat(found.shape()).containsExactly(3, 3);
                assertThat(bench.doubles(found)).containsExactly(wanted);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void probabilitiesGatesAndLossesAreRounded(EngineCase engineCase) {
        List<RoutingPolicy> policies = List.of(
                new RoutingPolicy.TopK(1),
                new RoutingPolicy.TopK(2),
                new RoutingPolicy.TopP(0.6, 3),
                new RoutingPolicy.ExpertChoice(5, 1.5, 1));
        for (RoutingPolicy policy : policies) {
            RoutingPlan plan =
                    new RoutingPlan(policy, Overflow.DROP, Sampling.NONE, 3, 17, 5, 3).with(RouterPrecision.BF16);
            check.against(engineCase, plan, logits(51, 5), policy.balanced() ? check.some(51) : all(51));
        }
        RoutingPlan many = new RoutingPlan(1, 1, 33, 5, 1).with(RouterPrecision.BF16);
        check.against(engineCase, many, logits(33, 70), all(33));
    }

    /** Logits whose probabilities and logsumexp round to the same numbers however they were summed. */
    private Grid logits(int tokens, int experts) {
        Real[] all = new Real[tokens * experts];
        boolean[] visible = new boolean[experts];
        Arrays.fill(visible, true);
        for (int t = 0; t < tokens; t++) {
            boolean safe = false;
            while (!safe) {
                Grid row = check.logits(1, experts);
                System.arraycopy(row.values(), 0, all, t * experts, experts);
                safe = Arrays.stream(Reference.softmax(row.values(), visible))
                                .allMatch(p -> Reference.roundsSafely(p.value()))
                        && Reference.roundsSafely(Reference.logSumExp(row, 0).value());
            }
        }
        return new Grid(new int[] {tokens, experts}, all);
    }

    /**
     * Probabilities of SwitchTransformersTop1Router of transformers 5.18.0 with {@code router_dtype} bfloat16, of tokens
     * ((37 i) mod 101 - 50) / 64 and weights ((29 i) mod 97 - 48) / 32, four tokens, three experts, eight numbers each. Sums
     * are exact in float32, so that each rounding has one result.
     */
    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aRouterIsThatOfHuggingFace(EngineCase engineCase) {
        double[] wanted = {
            0.11669921875, 0.85546875, 0.02734375,
            0.0245361328125, 0.8125, 0.162109375,
            0.265625, 0.328125, 0.40625,
            0.71484375, 0.032958984375, 0.25390625
        };
        Grid x = Grid.of(i -> Real.constant((37 * i % 101 - 50) / 64.0), 4, 8);
        Grid w = Grid.of(i -> Real.constant((29 * i % 97 - 48) / 32.0), 3, 8);
        RoutingPlan plan = new RoutingPlan(1, 1, 4, 4, 1).with(RouterPrecision.BF16);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor input = engine.roundedToBf16(engine.routerInput(bench.compute(x), Dropout.NONE));
            Tensor weights = engine.roundedToBf16(bench.parameter(w));
            Tensor logits = engine.roundedToBf16(engine.routerLogits(input, weights));
            Routing routing = engine.route(plan, logits, bench.integers(all(4), 4));

            assertThat(bench.doubles(routing.probabilities())).containsExactly(wanted);
        }
    }
}
