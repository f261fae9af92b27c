package dev.sparkswitch.tests.engine;

import static dev.sparkswitch.tests.engine.ProductContractTest.twice;
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

/** The residual stream of every engine. */
class NormContractTest {
    private static final double EPSILON = 1e-6;
    private static final List<int[]> SIZES =
            List.of(new int[] {1, 1}, new int[] {3, 17}, new int[] {17, 3}, new int[] {259, 33}, new int[] {7, 776});
    private static final Dropout DROPOUT = Dropout.ofRows(0.3, RandomStream.DROPOUT.at(11, 5, 3), 1_000_003L);

    private final Random random = new Random(2);

    private enum Delta {
        NONE,
        ADDED
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void addNormAndItsBackward(EngineCase engineCase) {
        for (int[] size : SIZES) {
            check(engineCase, size, Delta.NONE, Dropout.NONE);
            check(engineCase, size, Delta.ADDED, Dropout.NONE);
            check(engineCase, size, Delta.ADDED, DROPOUT);
        }
    }

    private void check(EngineCase engineCase, int[] size, Delta kind, Dropout dropout) {
        Grid h = Grid.random(random, size);
        Grid delta = kind == Delta.NONE ? null : Grid.random(random, size);
        Grid weight = Grid.random(random, size[1]);
        Grid dNormalized = Grid.random(random, size);
        Grid dSum = Grid.random(random, size);
        Reference.Normalized wanted = Reference.addNorm(h, delta, dropout, weight, EPSILON);
        Real.differentiate(
                wanted.normalized().dot(dNormalized).plus(wanted.sum().dot(dSum)));
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor stream = bench.compute(h);
            Tensor added = delta == null ? null : bench.compute(delta);
            Tensor weights = bench.parameter(weight);
            Engine.Normalized found = bench.fresh(
                    () -> engine.addNorm(stream, added, dropout, weights, EPSILON),
                    result -> delta == null
                            ? List.of(result.normalized(), result.inverseRms())
                            : List.of(result.sum(), result.normalized(), result.inverseRms()));
            bench.assertClose("addNorm, sum", found.sum(), wanted.sum());
            bench.assertClose("addNorm, normalized", found.normalized(), wanted.normalized());
            bench.assertClose("addNorm, inverseRms", found.inverseRms(), wanted.inverseRms());

            Tensor gradient = bench.compute(dSum);
            Tensor dWeight = bench.spoiledMaster(size[1]);
            Tensor dDelta = engine.addNormBackward(
                    bench.compute(dNormalized),
                    gradient,
                    found.sum(),
                    found.inverseRms(),
                    weights,
                    dWeight,
                    Write.SET,
                    dropout);
            bench.assertClose("addNormBackward, dSum", gradient, h.derivatives());
            if (dropout.active()) {
                bench.assertClose("addNormBackward, dDelta", dDelta, delta.derivatives());
            } else {
                assertThat(dDelta).isSameAs(gradient);
            }
            bench.assertClose("addNormBackward, dWeight", dWeight, weight.derivatives());
            engine.addNormBackward(
                    bench.compute(dNormalized),
                    bench.compute(dSum),
                    found.sum(),
                    found.inverseRms(),
                    weights,
                    dWeight,
                    Write.ADD,
                    Dropout.NONE);
            bench.assertClose("addNormBackward, dWeight added", dWeight, twice(weight.derivatives()));
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aRowOfZerosStaysFinite(EngineCase engineCase) {
        Grid h = Grid.of(new double[] {0, 0, 0, 1, -2, 0.5}, 2, 3);
        Grid weight = Grid.random(random, 3);
        Grid ones = Grid.of(i -> Real.constant(1), 2, 3);
        Reference.Normalized wanted = Reference.addNorm(h, null, Dropout.NONE, weight, EPSILON);
        wanted.normalized().differentiate(ones);
        try (Bench bench = engineCase.open()) {
            Tensor stream = bench.compute(h);
            Tensor weights = bench.parameter(weight);
            Engine.Normalized found = bench.engine.addNorm(stream, null, Dropout.NONE, weights, EPSILON);
            bench.assertClose("addNorm of zeros", found.normalized(), wanted.normalized());
            Tensor gradient = bench.compute(Grid.zeros(2, 3));
            bench.engine.addNormBackward(
                    bench.compute(ones),
                    gradient,
                    stream,
                    found.inverseRms(),
                    weights,
                    bench.spoiledMaster(3),
                    Write.SET,
                    Dropout.NONE);
            bench.assertClose("addNormBackward of zeros", gradient, h.derivatives());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void dropoutKeepsWhatItsNumbersSay(EngineCase engineCase) {
        for (int[] size : SIZES) {
            for (Dropout dropout : List.of(Dropout.NONE, DROPOUT)) {
                Grid x = Grid.random(random, size);
                try (Bench bench = engineCase.open()) {
                    Tensor values = bench.compute(x);
                    bench.assertClose(
                            "dropout",
                            bench.fresh(() -> bench.engine.dropout(values, dropout)),
                            Reference.dropout(x, 1, dropout));
                }
            }
        }
    }
}
