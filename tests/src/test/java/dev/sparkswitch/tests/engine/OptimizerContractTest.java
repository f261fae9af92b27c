package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import dev.sparkswitch.tests.engine.ReferenceAdafactor.Moments;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The optimizer's operations on every engine. */
class OptimizerContractTest {
    private final Random random = new Random(8);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void sumSquaresRunsOverAllTensors(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid one = Grid.random(random, 1);
            Grid matrix = Grid.random(random, 17, 33);
            Grid large = Grid.of(i -> Real.constant(0.1), 100_003);
            double wanted = 0;
            List<Tensor> tensors = new ArrayList<>();
            for (DType type : bench.gradientTypes()) {
                for (Grid grid : List.of(one, matrix, large)) {
                    tensors.add(bench.gradient(type, grid));
                }
            }
            for (Tensor tensor : tensors) {
                for (double value : bench.doubles(tensor)) {
                    wanted += value * value;
                }
            }
            double found = bench.engine.sumSquares(tensors);
            bench.assertClose("sumSquares", new double[] {found}, new double[] {wanted});
            assertThat(bench.engine.sumSquares(List.of())).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void adafactorOfAVector(EngineCase engineCase) {
        check(engineCase, Moments.EACH, 1);
        check(engineCase, Moments.EACH, 33);
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void adafactorOfMatrices(EngineCase engineCase) {
        check(engineCase, Moments.EACH, 17, 3);
        check(engineCase, Moments.FACTORED, 17, 33);
        check(engineCase, Moments.FACTORED, 1, 1);
        check(engineCase, Moments.FACTORED, 3, 5, 7);
    }

    /** Steps of growing gradients, so that some are clipped, with rows of zeros in them. */
    private void check(EngineCase engineCase, Moments moments, int... shape) {
        int columns = shape[shape.length - 1];
        int rows = shape.length == 1 ? 1 : shape[shape.length - 2];
        int matrices = Grid.size(shape) / rows / columns;
        try (Bench bench = engineCase.open()) {
            for (DType type : bench.gradientTypes()) {
                check(bench, type, moments, matrices, rows, columns, shape);
            }
        }
    }

    private void check(Bench bench, DType type, Moments moments, int matrices, int rows, int columns, int... shape) {
        Grid start = Grid.random(random, shape);
        ReferenceAdafactor reference = new ReferenceAdafactor(start.doubles(), matrices, rows, columns, moments);
        Tensor value = bench.parameter(start);
        Tensor gradient = bench.spoil(bench.engine.allocate(type, shape));
        Tensor rowMoments;
        Tensor columnMoments = null;
        if (moments == Moments.FACTORED) {
            rowMoments = bench.master(Grid.zeros(matrices, rows));
            columnMoments = bench.master(Grid.zeros(matrices, columns));
        } else {
            rowMoments = bench.master(Grid.zeros(shape));
        }
        for (int step = 1; step <= 4; step++) {
            Grid next = Grid.random(random, shape);
            double growth = Math.pow(8, step - 2);
            double[] gradients = next.doubles();
            for (int i = 0; i < gradients.length; i++) {
                gradients[i] *= i / columns % 4 == 3 ? 0 : growth;
            }
            AdafactorStep settings =
                    new AdafactorStep(0.05, 1 - Math.pow(step, -0.8), 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
            Tensor uploaded = bench.gradient(type, Grid.of(gradients, shape));
            reference.step(settings, bench.doubles(uploaded));
            bench.engine.copy(uploaded, gradient, Write.SET);
            bench.engine.adafactor(settings, List.of(new AdafactorSlot(value, gradient, rowMoments, columnMoments)));
            bench.assertClose("adafactor, " + moments, value, reference.value());
            bench.assertClose("adafactor, row moments", rowMoments, reference.rowMoments());
            if (columnMoments != null) {
                bench.assertClose("adafactor, column moments", columnMoments, reference.columnMoments());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void adafactorOfManyParametersAtOnce(EngineCase engineCase) {
        List<int[]> shapes = List.of(new int[] {70, 1100}, new int[] {9001}, new int[] {3, 30, 40}, new int[] {8, 24});
        AdafactorStep settings = new AdafactorStep(0.05, 0.5, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
        List<ReferenceAdafactor> references = new ArrayList<>();
        List<AdafactorSlot> slots = new ArrayList<>();
        try (Bench bench = engineCase.open()) {
            for (int[] shape : shapes) {
                Moments moments = shape.length == 1 ? Moments.EACH : Moments.FACTORED;
                int columns = shape[shape.length - 1];
                int rows = shape.length == 1 ? 1 : shape[shape.length - 2];
                int matrices = Grid.size(shape) / rows / columns;
                Grid start = Grid.random(random, shape);
                Grid gradient = Grid.random(random, shape);
                ReferenceAdafactor reference =
                        new ReferenceAdafactor(start.doubles(), matrices, rows, columns, moments);
                references.add(reference);
                slots.add(new AdafactorSlot(
                        bench.parameter(start),
                        bench.master(gradient),
                        bench.master(moments == Moments.EACH ? Grid.zeros(shape) : Grid.zeros(matrices, rows)),
                        moments == Moments.EACH ? null : bench.master(Grid.zeros(matrices, columns))));
                for (int step = 0; step < 2; step++) {
                    reference.step(settings, gradient.doubles());
                }
            }
            bench.engine.adafactor(settings, slots);
            bench.engine.adafactor(settings, slots);
            for (int i = 0; i < slots.size(); i++) {
                String shape = Arrays.toString(shapes.get(i));
                bench.assertClose(
                        "adafactor of " + shape,
                        slots.get(i).value(),
                        references.get(i).value());
                bench.assertClose(
                        "row moments of " + shape,
                        slots.get(i).rowMoments(),
                        references.get(i).rowMoments());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void adafactorGoesByTheParameterAsItIsNow(EngineCase engineCase) {
        AdafactorStep settings = new AdafactorStep(0.05, 0.5, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
        Grid start = Grid.random(random, 17, 33);
        Grid gradient = Grid.random(random, 17, 33);
        Grid replaced = Grid.of(i -> start.values()[i].times(16), 17, 33);
        ReferenceAdafactor reference = new ReferenceAdafactor(start.doubles(), 1, 17, 33, Moments.FACTORED);
        try (Bench bench = engineCase.open()) {
            Tensor value = bench.parameter(start);
            List<AdafactorSlot> slots = List.of(new AdafactorSlot(
                    value, bench.master(gradient), bench.master(Grid.zeros(17)), bench.master(Grid.zeros(33))));
            reference.step(settings, gradient.doubles());
            bench.engine.adafactor(settings, slots);
            System.arraycopy(replaced.doubles(), 0, reference.value(), 0, 17 * 33);
            bench.engine.copy(bench.master(replaced), value, Write.SET);
            reference.step(settings, gradient.doubles());
            bench.engine.adafactor(settings, slots);
            double[] change = bench.doubles(value);
            double[] wanted = reference.value().clone();
            for (int i = 0; i < change.length; i++) {
                change[i] -= replaced.values()[i].value();
                wanted[i] -= replaced.values()[i].value();
            }
            // Changes are a twentieth of the values that they are told from.
            bench.assertClose("adafactor, change", change, wanted, 16);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aGradientOfZerosLeavesTheParameter(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Grid start = Grid.random(random, 3, 5);
            Tensor value = bench.parameter(start);
            AdafactorStep settings = new AdafactorStep(0.05, 0, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER);
            bench.engine.adafactor(
                    settings,
                    List.of(new AdafactorSlot(
                            value,
                            bench.master(Grid.zeros(3, 5)),
                            bench.master(Grid.zeros(3)),
                            bench.master(Grid.zeros(5)))));
            assertThat(bench.doubles(value)).isEqualTo(start.doubles());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void stepsTellTheirGradientsSquaresInTheOrderOfTheSlots(EngineCase engineCase) {
        int[][] shapes = {{70, 1100}, {9001}, {3, 30, 40}, {1}, {8, 24}};
        try (Bench bench = engineCase.open()) {
            List<AdafactorSlot> factored = new ArrayList<>();
            List<AdamWSlot> whole = new ArrayList<>();
            List<Double> wanted = new ArrayList<>();
            for (DType type : bench.gradientTypes()) {
                for (int[] shape : shapes) {
                    Grid start = Grid.random(random, shape);
                    Tensor gradient = bench.gradient(type, Grid.random(random, shape));
                    int columns = shape[shape.length - 1];
                    boolean matrix = shape.length > 1;
                    int rows = matrix ? shape[shape.length - 2] : 1;
                    int matrices = Grid.size(shape) / rows / columns;
                    factored.add(new AdafactorSlot(
                            bench.parameter(start),
                            gradient,
                            bench.master(matrix ? Grid.zeros(matrices, rows) : Grid.zeros(shape)),
                            matrix ? bench.master(Grid.zeros(matrices, columns)) : null));
                    whole.add(new AdamWSlot(
                            bench.parameter(start),
                            gradient,
                            bench.master(Grid.zeros(shape)),
                            bench.master(Grid.zeros(shape))));
                    double sum = 0;
                    for (double value : bench.doubles(gradient)) {
                        sum += value * value;
                    }
                    wanted.add(sum);
                }
            }
            Tensor squares = bench.spoil(bench.engine.allocate(DType.FLOAT64, wanted.size()));
            bench.engine.adafactor(
                    new AdafactorStep(0.05, 0.5, 1e-30, 1e-3, 1, AdafactorStep.Scaling.PARAMETER), factored, squares);
            assertSquares(bench, squares, wanted);
            bench.spoil(squares);
            bench.engine.adamw(new AdamWStep(0.05, 1, 0.9, 0.99, 1e-8, 0.1), whole, squares);
            assertSquares(bench, squares, wanted);
        }
    }

    /** Within float32's rounding, whatever the engine computes in: squares are taken of gradients as they are. */
    private static void assertSquares(Bench bench, Tensor squares, List<Double> wanted) {
        double[] found = bench.doubles(squares);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).as("slot " + i).isCloseTo(wanted.get(i), withinPercentage(1e-3));
        }
    }

    /** Beside Loshchilov and Hutter's algorithm 2 written out with the moments' bias taken away from each moment itself. */
    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void adamwStepByStep(EngineCase engineCase) {
        int[] shape = {17, 501};
        try (Bench bench = engineCase.open()) {
            Grid start = Grid.random(random, shape);
            double[] value = start.doubles();
            double[] first = new double[value.length];
            double[] second = new double[value.length];
            Tensor parameter = bench.parameter(start);
            Tensor firstMoments = bench.master(Grid.zeros(shape));
            Tensor secondMoments = bench.master(Grid.zeros(shape));
            for (int step = 1; step <= 4; step++) {
                AdamWStep settings = new AdamWStep(0.05, step, 0.9, 0.99, 1e-8, 0.1);
                Grid gradient = Grid.random(random, shape);
                Tensor uploaded = bench.gradient(bench.engine.matrixGradientType(), gradient);
                double[] gradients = bench.doubles(uploaded);
                for (int i = 0; i < value.length; i++) {
                    first[i] = 0.9 * first[i] + 0.1 * gradients[i];
                    second[i] = 0.99 * second[i] + 0.01 * gradients[i] * gradients[i];
                    double unbiasedFirst = first[i] / (1 - Math.pow(0.9, step));
                    double unbiasedSecond = second[i] / (1 - Math.pow(0.99, step));
                    value[i] -= 0.05 * (unbiasedFirst / (Math.sqrt(unbiasedSecond) + 1e-8) + 0.1 * value[i]);
                }
                AdamWSlot slot = new AdamWSlot(parameter, uploaded, firstMoments, secondMoments);
                bench.engine.adamw(settings, List.of(slot));
                bench.assertClose("adamw, value", parameter, value);
                bench.assertClose("adamw, first moments", firstMoments, first);
                bench.assertClose("adamw, second moments", secondMoments, second);
            }
        }
    }
}
