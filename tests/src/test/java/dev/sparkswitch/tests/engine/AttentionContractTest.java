package dev.sparkswitch.tests.engine;

import static dev.sparkswitch.tests.engine.ProductContractTest.twice;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.RelativePositions.Direction;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention and position biases of every engine. */
class AttentionContractTest {
    private static final List<AttentionShape> SHAPES = List.of(
            new AttentionShape(1, 1, 1, 1, 1, Order.CAUSAL),
            new AttentionShape(3, 2, 5, 17, 17, Order.CAUSAL),
            new AttentionShape(2, 3, 3, 1, 33, Order.FULL),
            new AttentionShape(2, 1, 17, 5, 1, Order.FULL),
            new AttentionShape(1, 3, 4, 3, 35, Order.FULL));

    private static final Dropout DROPOUT = Dropout.ofRows(0.4, RandomStream.ATTENTION_DROPOUT.at(11, 5, 3), 77_777);

    private final Random random = new Random(3);

    private enum Bias {
        NONE,
        ADDED
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void attentionAndItsBackward(EngineCase engineCase) {
        for (AttentionShape shape : SHAPES) {
            int[] queries = ones(shape.rows() * shape.queryLength());
            int[] keys = ones(shape.rows() * shape.keyLength());
            check(engineCase, shape, Bias.NONE, queries, keys, Dropout.NONE);
            check(engineCase, shape, Bias.ADDED, queries, keys, DROPOUT);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void segmentsSeeThemselvesAndPaddingNothing(EngineCase engineCase) {
        for (AttentionShape shape : SHAPES) {
            int[] queries = segments(shape.rows() * shape.queryLength());
            int[] keys = segments(shape.rows() * shape.keyLength());
            check(engineCase, shape, Bias.ADDED, queries, keys, Dropout.NONE);
            check(engineCase, shape, Bias.NONE, queries, keys, DROPOUT);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aBatchOfPaddingGivesZeros(EngineCase engineCase) {
        for (AttentionShape shape : SHAPES) {
            int[] queries = ones(shape.rows() * shape.queryLength());
            int[] keys = new int[shape.rows() * shape.keyLength()];
            check(engineCase, shape, Bias.ADDED, queries, keys, DROPOUT);
            check(engineCase, shape, Bias.ADDED, new int[queries.length], keys, Dropout.NONE);
        }
    }

    private void check(
            EngineCase engineCase, AttentionShape shape, Bias kind, int[] querySegments, int[] keySegments, Dropout d) {
        int queries = shape.queryLength();
        int keys = shape.keyLength();
        Grid q = Grid.random(random, shape.rows() * queries, shape.width());
        Grid k = Grid.random(random, shape.rows() * keys, shape.width());
        Grid v = Grid.random(random, shape.rows() * keys, shape.width());
        Grid bias = kind == Bias.NONE ? null : Grid.random(random, shape.heads(), queries + keys - 1);
        Grid dResult = Grid.random(random, shape.rows() * queries, shape.width());
        Grid wanted = Reference.attention(shape, q, k, v, bias, querySegments, keySegments, d);
        // Zero times everything: what nothing depends on has the derivative 0.
        Real all = wanted.dot(dResult);
        for (Grid input : bias == null ? List.of(q, k, v) : List.of(q, k, v, bias)) {
            for (Real value : input.values()) {
                all = all.plus(value.times(0));
            }
        }
        Real.differentiate(all);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            AttentionInputs inputs = new AttentionInputs(
                    bench.view(q).columns(),
                    bench.view(k).columns(),
                    bench.view(v).columns(),
                    bias == null ? null : bench.master(bias),
                    bench.integers(querySegments, shape.rows(), queries),
                    bench.integers(keySegments, shape.rows(), keys));
            Engine.Attention found = bench.fresh(
                    () -> engine.attention(shape, inputs, d), result -> List.of(result.result(), result.saved()));
            bench.assertClose("attention", found.result(), wanted);

            Bench.View dq = bench.target(shape.rows() * queries, shape.width());
            Bench.View dk = bench.target(shape.rows() * keys, shape.width());
            Bench.View dv = bench.target(shape.rows() * keys, shape.width());
            Tensor dBias = bias == null ? null : bench.master(Grid.zeros(bias.shape()));
            for (int pass = 0; pass < 2; pass++) {
                engine.attentionBackward(
                        shape,
                        inputs,
                        found,
                        d,
                        bench.compute(dResult),
                        new AttentionGradients(dq.columns(), dk.columns(), dv.columns(), dBias));
            }
            // The scores' gradients of a query that sees one key cancel out to nothing.
            double scale = norm(v.derivatives());
            bench.assertClose("attentionBackward, dq", dq, q.derivatives(), scale);
            bench.assertClose("attentionBackward, dk", dk, k.derivatives(), scale);
            bench.assertClose("attentionBackward, dv", dv, v.derivatives());
            if (bias != null) {
                bench.assertClose("attentionBackward, dBias", bench.doubles(dBias), twice(bias.derivatives()), scale);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void wrongShapesAreNamed(EngineCase engineCase) {
        AttentionShape shape = new AttentionShape(2, 3, 4, 5, 7, Order.FULL);
        try (Bench bench = engineCase.open()) {
            Tensor q = bench.compute(Grid.random(random, 10, 12));
            Tensor k = bench.compute(Grid.random(random, 14, 12));
            Tensor ofQueries = bench.integers(ones(10), 2, 5);
            Tensor ofKeys = bench.integers(ones(14), 2, 7);
            AttentionInputs shortValues = new AttentionInputs(q, k, q, null, ofQueries, ofKeys);
            assertThatThrownBy(() -> bench.engine.attention(shape, shortValues, Dropout.NONE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("attention")
                    .hasMessageContaining("[14, 12]")
                    .hasMessageContaining("[10, 12]");
            AttentionInputs longQueries = new AttentionInputs(k, k, k, null, ofQueries, ofKeys);
            assertThatThrownBy(() -> bench.engine.attention(shape, longQueries, Dropout.NONE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("[14, 12]");
            Tensor ofEveryPair = bench.master(Grid.random(random, 3, 5, 7));
            AttentionInputs pairs = new AttentionInputs(q, k, k, ofEveryPair, ofQueries, ofKeys);
            assertThatThrownBy(() -> bench.engine.attention(shape, pairs, Dropout.NONE))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("[3, 5, 7]");
        }
    }

    private static double norm(double[] values) {
        double squares = 0;
        for (double value : values) {
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    private static int[] ones(int size) {
        int[] ones = new int[size];
        Arrays.fill(ones, 1);
        return ones;
    }

    private int[] segments(int size) {
        int[] segments = new int[size];
        for (int i = 0; i < size; i++) {
            segments[i] = random.nextInt(4);
        }
        return segments;
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void relativeBiasAndItsGradient(EngineCase engineCase) {
        for (RelativePositions positions : List.of(
                new RelativePositions(0, 33, 33, 32, 20, Direction.BOTH),
                new RelativePositions(0, 17, 35, 6, 9, Direction.BACKWARD),
                new RelativePositions(29, 1, 33, 32, 128, Direction.BACKWARD),
                new RelativePositions(0, 1, 1, 4, 3, Direction.BOTH))) {
            Grid table = Grid.random(random, positions.buckets(), 3);
            Grid dBias = Grid.random(random, 3, positions.queryLength() + positions.keyLength() - 1);
            Grid bias = Reference.relativeBias(table, positions);
            Real all = bias.dot(dBias);
            for (Real value : table.values()) {
                all = all.plus(value.times(0));
            }
            Real.differentiate(all);
            try (Bench bench = engineCase.open()) {
                Engine engine = bench.engine;
                Tensor weights = bench.parameter(table);
                bench.assertClose("relativeBias", bench.fresh(() -> engine.relativeBias(weights, positions)), bias);
                Tensor dTable = bench.spoiledMaster(positions.buckets(), 3);
                engine.relativeBiasGradient(bench.master(dBias), positions, dTable, Write.SET);
                bench.assertClose("relativeBiasGradient", dTable, table.derivatives());
                engine.relativeBiasGradient(bench.master(dBias), positions, dTable, Write.ADD);
                bench.assertClose("relativeBiasGradient added", dTable, twice(table.derivatives()));
            }
        }
    }
}
