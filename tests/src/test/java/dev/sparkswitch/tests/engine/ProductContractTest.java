package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import dev.sparkswitch.engine.nd4j.HostEngines;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Matrix products of every engine. */
class ProductContractTest {
    private static final List<int[]> SIZES = List.of(
            new int[] {1, 1, 1},
            new int[] {1, 17, 3},
            new int[] {3, 1, 33},
            new int[] {17, 33, 1},
            new int[] {1, 65, 17},
            new int[] {33, 17, 19});

    private final Random random = new Random(1);

    static Stream<EngineCase> engines() {
        return Stream.concat(EngineCase.all(), nd4jProducts());
    }

    /** Where ND4J did not come along there is nothing of it to check. */
    private static Stream<EngineCase> nd4jProducts() {
        return HostEngines.hasNd4j()
                ? Stream.of(Precision.FLOAT32, Precision.FLOAT64).map(EngineCase::nd4jProducts)
                : Stream.empty();
    }

    @ParameterizedTest
    @MethodSource("engines")
    void linear(EngineCase engineCase) {
        for (int[] size : SIZES) {
            Grid x = Grid.random(random, size[0], size[1]);
            Grid w = Grid.random(random, size[2], size[1]);
            Grid y = Reference.linear(x, w);
            try (Bench bench = engineCase.open()) {
                Engine engine = bench.engine;
                Tensor weights = bench.parameter(w);
                Tensor inputs = bench.compute(x);
                bench.assertClose("linear", bench.fresh(() -> engine.linear(inputs, weights)), y);
                Tensor columns = bench.view(x).columns();
                bench.assertClose("linear of columns", bench.fresh(() -> engine.linear(columns, weights)), y);
                bench.assertClose(
                        "logits", bench.fresh(() -> engine.logits(inputs, weights, 0.25)), Reference.scaled(y, 0.25));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("engines")
    void linearGradients(EngineCase engineCase) {
        for (int[] size : SIZES) {
            Grid x = Grid.random(random, size[0], size[1]);
            Grid w = Grid.random(random, size[2], size[1]);
            Grid dy = Grid.random(random, size[0], size[2]);
            Reference.linear(x, w).differentiate(dy);
            try (Bench bench = engineCase.open()) {
                Engine engine = bench.engine;
                Tensor weights = bench.parameter(w);
                Tensor gradient = bench.compute(dy);

                Tensor dx = bench.spoiledCompute(size[0], size[1]);
                engine.linearInputGradient(gradient, weights, dx, Write.SET);
                bench.assertClose("linearInputGradient", dx, x.derivatives());
                engine.linearInputGradient(gradient, weights, dx, Write.ADD);
                bench.assertClose("linearInputGradient added", dx, twice(x.derivatives()));
                Bench.View dxColumns = bench.target(size[0], size[1]);
                engine.linearInputGradient(bench.view(dy).columns(), weights, dxColumns.columns(), Write.SET);
                bench.assertClose("linearInputGradient of columns", dxColumns, x.derivatives());

                for (Tensor dw : bench.spoiledGradients(size[2], size[1])) {
                    engine.linearWeightGradient(gradient, bench.compute(x), dw, Write.SET);
                    bench.assertClose("linearWeightGradient", dw, w.derivatives());
                    engine.linearWeightGradient(
                            bench.view(dy).columns(), bench.view(x).columns(), dw, Write.ADD);
                    bench.assertClose("linearWeightGradient added", dw, twice(w.derivatives()));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("engines")
    void groupedLinear(EngineCase engineCase) {
        for (int[] size : SIZES) {
            for (int experts : new int[] {1, 5}) {
                Grid x = Grid.random(random, experts, size[0], size[1]);
                // An expert without tokens has empty slots only: zeros.
                for (int i = 0; experts > 1 && i < size[0] * size[1]; i++) {
                    x.values()[size[0] * size[1] + i] = Real.variable(0);
                }
                Grid w = Grid.random(random, experts, size[2], size[1]);
                Grid dy = Grid.random(random, experts, size[0], size[2]);
                Grid y = Reference.groupedLinear(x, w);
                y.differentiate(dy);
                try (Bench bench = engineCase.open()) {
                    Engine engine = bench.engine;
                    Tensor inputs = bench.compute(x);
                    Tensor weights = bench.parameter(w);
                    Tensor gradient = bench.compute(dy);
                    bench.assertClose("groupedLinear", bench.fresh(() -> engine.groupedLinear(inputs, weights)), y);
                    bench.assertClose(
                            "groupedLinearInputGradient",
                            bench.fresh(() -> engine.groupedLinearInputGradient(gradient, weights)),
                            x.derivatives());
                    for (Tensor dw : bench.spoiledGradients(experts, size[2], size[1])) {
                        engine.groupedLinearWeightGradient(gradient, inputs, dw, Write.SET);
                        bench.assertClose("groupedLinearWeightGradient", dw, w.derivatives());
                        engine.groupedLinearWeightGradient(gradient, inputs, dw, Write.ADD);
                        bench.assertClose("groupedLinearWeightGradient added", dw, twice(w.derivatives()));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("engines")
    void routerLogits(EngineCase engineCase) {
        for (int[] size : SIZES) {
            Grid x = Grid.random(random, size[0], size[1]);
            Grid w = Grid.random(random, size[2], size[1]);
            Grid dy = Grid.random(random, size[0], size[2]);
            Grid logits = Reference.linear(x, w);
            logits.differentiate(dy);
            try (Bench bench = engineCase.open()) {
                Engine engine = bench.engine;
                Tensor inputs = bench.master(x);
                Tensor weights = bench.parameter(w);
                Tensor gradient = bench.master(dy);
                bench.assertClose("routerLogits", bench.fresh(() -> engine.routerLogits(inputs, weights)), logits);
                Tensor dw = bench.spoiledMaster(size[2], size[1]);
                bench.assertClose(
                        "routerLogitsBackward, dx",
                        bench.fresh(() -> engine.routerLogitsBackward(gradient, inputs, weights, dw, Write.SET)),
                        x.derivatives());
                bench.assertClose("routerLogitsBackward, dw", dw, w.derivatives());
                engine.routerLogitsBackward(gradient, inputs, weights, dw, Write.ADD);
                bench.assertClose("routerLogitsBackward, dw added", dw, twice(w.derivatives()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("engines")
    void wrongShapesAreNamed(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor x = bench.compute(Grid.random(random, 3, 5));
            Tensor w = bench.parameter(Grid.random(random, 7, 5));
            Tensor dy = bench.compute(Grid.random(random, 3, 7));
            Tensor wrongW = bench.parameter(Grid.random(random, 7, 4));
            Tensor wrongX = bench.compute(Grid.random(random, 3, 4));
            Tensor fewer = bench.compute(Grid.random(random, 2, 5));
            assertRefused("linear", "[3, 5]", "[7, 4]", () -> engine.linear(x, wrongW));
            assertRefused(
                    "linearInputGradient", "[3, 5]", "[7, 5]", () -> engine.linearInputGradient(x, w, x, Write.SET));
            assertRefused(
                    "linearInputGradient",
                    "[3, 7]",
                    "[3, 4]",
                    () -> engine.linearInputGradient(dy, w, wrongX, Write.SET));
            assertRefused(
                    "linearInputGradient",
                    "[3, 7]",
                    "[2, 5]",
                    () -> engine.linearInputGradient(dy, w, fewer, Write.SET));
            assertRefused(
                    "linearWeightGradient",
                    "[3, 7]",
                    "[2, 5]",
                    () -> engine.linearWeightGradient(dy, fewer, w, Write.SET));
            assertRefused(
                    "linearWeightGradient",
                    "[3, 5]",
                    "[7, 4]",
                    () -> engine.linearWeightGradient(dy, x, wrongW, Write.SET));
            assertRefused(
                    "linearWeightGradient", "[3, 5]", "[7, 5]", () -> engine.linearWeightGradient(x, x, w, Write.SET));
            Tensor grouped = bench.compute(Grid.random(random, 2, 3, 5));
            Tensor experts = bench.parameter(Grid.random(random, 3, 7, 5));
            Tensor narrow = bench.parameter(Grid.random(random, 2, 7, 4));
            Tensor dGrouped = bench.compute(Grid.random(random, 2, 3, 7));
            assertRefused("groupedLinear", "[2, 3, 5]", "[3, 7, 5]", () -> engine.groupedLinear(grouped, experts));
            assertRefused("groupedLinear", "[2, 3, 5]", "[2, 7, 4]", () -> engine.groupedLinear(grouped, narrow));
            assertRefused(
                    "groupedLinearInputGradient",
                    "[2, 3, 5]",
                    "[2, 7, 4]",
                    () -> engine.groupedLinearInputGradient(grouped, narrow));
            assertRefused(
                    "groupedLinearWeightGradient",
                    "[2, 3, 7]",
                    "[3, 7, 5]",
                    () -> engine.groupedLinearWeightGradient(dGrouped, grouped, experts, Write.SET));
            assertRefused("logits", "[3, 5]", "[7, 4]", () -> engine.logits(x, wrongW, 1));
        }
    }

    private static void assertRefused(String operation, String first, String second, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(operation)
                .hasMessageContaining(first)
                .hasMessageContaining(second);
    }

    static double[] twice(double[] values) {
        double[] twice = new double[values.length];
        for (int i = 0; i < twice.length; i++) {
            twice[i] = 2 * values[i];
        }
        return twice;
    }
}
