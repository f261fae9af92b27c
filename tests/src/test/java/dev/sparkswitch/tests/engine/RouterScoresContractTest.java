package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The router's products and their gradients, on every engine: of float32's precision whatever the engine computes in. */
class RouterScoresContractTest {
    /** What float32 leaves of a sum of a thousand products; bfloat16 would leave a thousand times as much. */
    private static final double FLOAT32 = 5e-6;

    private static final Dropout JITTER = Dropout.ofRows(0.25, RandomStream.JITTER.at(11, 5, 3), 1_000_003L);

    private final Random random = new Random(12);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void oddSizes(EngineCase engineCase) {
        check(engineCase, 1, 1, 1, Dropout.NONE);
        check(engineCase, 17, 33, 3, JITTER);
        check(engineCase, 33, 48, 5, JITTER);
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void wholeSixteensOfColumnsAndWholeFoursOfExperts(EngineCase engineCase) {
        check(engineCase, 1, 16, 4, Dropout.NONE);
        check(engineCase, 70, 48, 8, JITTER);
        check(engineCase, 131, 80, 12, JITTER);
        check(engineCase, 33, 144, 68, JITTER);
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void manyTokens(EngineCase engineCase) {
        check(engineCase, 1500, 16, 64, JITTER);
        check(engineCase, 8200, 16, 4, JITTER);
        check(engineCase, 8193, 16, 12, Dropout.NONE);
    }

    private void check(EngineCase engineCase, int tokens, int width, int experts, Dropout jitter) {
        Grid x = Grid.random(random, tokens, width);
        Grid w = floats(experts, width);
        Grid dy = floats(tokens, experts);
        Grid before = Grid.random(random, tokens, width);
        Grid logits = Reference.linear(Reference.routerInput(x, jitter), w);
        Real.differentiate(logits.dot(dy).plus(x.dot(before)));
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor tokensOfX = bench.compute(x);
            Tensor weights = bench.parameter(w);
            Tensor gradient = bench.master(dy);
            Engine.RouterScores scores =
                    bench.fresh(() -> engine.routerScores(tokensOfX, jitter, weights), made -> List.of(made.logits()));
            assertFloat32("routerScores", bench.doubles(scores.logits()), logits.doubles());
            Tensor dw = bench.spoiledMaster(experts, width);
            for (Write write : Write.values()) {
                Tensor dx = bench.compute(before);
                try (Tensor dInput = engine.routerScoresWeightGradient(
                        gradient, tokensOfX, scores.input(), jitter, weights, dw, write)) {
                    engine.routerScoresInputGradient(gradient, dInput, jitter, weights, dx);
                }
                bench.assertClose("routerScoresInputGradient, dx", dx, x.derivatives());
                double[] wanted = w.derivatives().clone();
                for (int i = 0; write == Write.ADD && i < wanted.length; i++) {
                    wanted[i] *= 2;
                }
                assertFloat32("routerScoresWeightGradient, dw, " + write, bench.doubles(dw), wanted);
            }
            // A pass that is made again brings the router's input along.
            Tensor dx = bench.compute(before);
            Tensor input = engine.routerInput(tokensOfX, jitter);
            try (Tensor dInput =
                    engine.routerScoresWeightGradient(gradient, tokensOfX, input, jitter, weights, dw, Write.SET)) {
                engine.routerScoresInputGradient(gradient, dInput, jitter, weights, dx);
            }
            bench.assertClose("routerScoresInputGradient by the input, dx", dx, x.derivatives());
        }
    }

    /** Numbers that take all of a float32's bits. */
    private Grid floats(int... shape) {
        return Grid.of(i -> Real.variable((float) random.nextGaussian()), shape);
    }

    private static void assertFloat32(String what, double[] found, double[] wanted) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += (found[i] - wanted[i]) * (found[i] - wanted[i]);
            norm += wanted[i] * wanted[i];
        }
        assertThat(Math.sqrt(difference / norm)).as("relative error of " + what).isLessThan(FLOAT32);
    }
}
