package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.EmulatedEngine;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Attention of sizes that an engine may cut into tiles. What is right comes from the host engine in float64, whose small
 * sizes {@link AttentionContractTest} compares with the definition.
 */
class TiledAttentionContractTest {
    private static final Dropout DROPOUT = Dropout.ofRows(0.3, RandomStream.ATTENTION_DROPOUT.at(11, 5, 3), 77_777);

    /** Numbers of this size leave a softmax over 64 products neither flat nor with a single peak. */
    private static final double QUARTER = 0.25;

    /** A case: its shape, and whether it has biases, several segments a row, and dropout. */
    private record Sizes(AttentionShape shape, Bias bias, Segments segments, Dropout dropout) {}

    private enum Bias {
        NONE,
        ADDED
    }

    private enum Segments {
        ONE,
        /** Three one after the other and padding behind them. */
        PACKED
    }

    private static final List<Sizes> SIZES = List.of(
            new Sizes(new AttentionShape(2, 2, 64, 70, 130, Order.FULL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 2, 64, 64, 64, Order.CAUSAL), Bias.ADDED, Segments.ONE, Dropout.NONE),
            new Sizes(new AttentionShape(2, 1, 64, 1, 37, Order.FULL), Bias.ADDED, Segments.PACKED, Dropout.NONE),
            new Sizes(new AttentionShape(1, 1, 64, 200, 200, Order.CAUSAL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(2, 1, 64, 260, 260, Order.FULL), Bias.ADDED, Segments.PACKED, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 64, 114, 256, Order.FULL), Bias.NONE, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 2, 64, 129, 140, Order.FULL), Bias.NONE, Segments.PACKED, Dropout.NONE),
            new Sizes(new AttentionShape(1, 2, 32, 130, 70, Order.FULL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 128, 65, 129, Order.CAUSAL), Bias.ADDED, Segments.PACKED, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 16, 129, 65, Order.FULL), Bias.ADDED, Segments.ONE, Dropout.NONE),
            new Sizes(new AttentionShape(1, 1, 160, 33, 40, Order.CAUSAL), Bias.ADDED, Segments.ONE, DROPOUT),
            // Edges of tiles of 64, and heads that are no whole chunks of columns.
            new Sizes(new AttentionShape(1, 2, 5, 63, 65, Order.CAUSAL), Bias.ADDED, Segments.PACKED, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 1, 129, 64, Order.FULL), Bias.NONE, Segments.ONE, Dropout.NONE),
            new Sizes(new AttentionShape(2, 1, 40, 65, 63, Order.CAUSAL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 64, 1, 129, Order.FULL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 2, 67, 66, 2, Order.FULL), Bias.ADDED, Segments.ONE, DROPOUT),
            new Sizes(new AttentionShape(1, 2, 80, 64, 129, Order.FULL), Bias.ADDED, Segments.PACKED, DROPOUT),
            new Sizes(new AttentionShape(1, 1, 256, 65, 70, Order.CAUSAL), Bias.ADDED, Segments.PACKED, DROPOUT));

    static Stream<EngineCase> engines() {
        return EngineCase.all();
    }

    @ParameterizedTest
    @MethodSource("engines")
    void tilesGiveWhatTheWholeGives(EngineCase engineCase) {
        check(engineCase, SIZES);
    }

    @Test
    void aBackwardPassThatComputesScoresTwiceGivesTheSame() {
        assumeTrue(EmulatedEngine.missing().isEmpty(), "skipped: the emulated card cannot be built");
        check(EngineCase.emulatedWithout("score-gradients"), SIZES.subList(0, 6));
    }

    private static void check(EngineCase engineCase, List<Sizes> all) {
        for (Sizes sizes : all) {
            try (Bench bench = engineCase.open();
                    Bench exact = EngineCase.nd4j(Precision.FLOAT64, 1).open()) {
                Map<String, double[]> found = run(bench, sizes);
                Map<String, double[]> wanted = run(exact, sizes);
                wanted.forEach((name, values) -> bench.assertClose(name + " of " + sizes, found.get(name), values));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("engines")
    void theSameTwice(EngineCase engineCase) {
        try (Bench bench = engineCase.open()) {
            Map<String, double[]> first = run(bench, SIZES.get(4));
            run(bench, SIZES.get(4))
                    .forEach((name, values) -> assertThat(values).as(name).isEqualTo(first.get(name)));
        }
    }

    private static Grid quarter(Random random, int... shape) {
        Grid grid = Grid.random(random, shape);
        return Grid.of(i -> Real.variable(grid.values()[i].value() * QUARTER), shape);
    }

    /** Queries, keys and values side by side, as the model has them: rows that are further apart than they are wide. */
    private static Map<String, double[]> run(Bench bench, Sizes sizes) {
        AttentionShape shape = sizes.shape();
        Engine engine = bench.engine;
        Random random = new Random(7);
        int queries = shape.rows() * shape.queryLength();
        int keys = shape.rows() * shape.keyLength();
        int width = shape.width();
        int distances = shape.queryLength() + shape.keyLength() - 1;
        Tensor ofQueries = bench.compute(quarter(random, queries, 3 * width));
        Tensor ofKeys = bench.compute(quarter(random, keys, 3 * width));
        Tensor bias = bench.master(Grid.random(random, shape.heads(), distances));
        AttentionInputs inputs = new AttentionInputs(
                ofQueries.columns(0, width),
                ofKeys.columns(width, 2 * width),
                ofKeys.columns(2 * width, 3 * width),
                sizes.bias() == Bias.NONE ? null : bias,
                segments(bench, sizes, shape.queryLength()),
                segments(bench, sizes, shape.keyLength()));
        Tensor dResult = bench.compute(Grid.random(random, queries, width));
        Engine.Attention forward = bench.fresh(
                () -> engine.attention(shape, inputs, sizes.dropout()),
                result -> List.of(result.result(), result.saved()));
        Tensor dOfQueries = bench.compute(Grid.zeros(queries, 3 * width));
        Tensor dOfKeys = bench.compute(Grid.zeros(keys, 3 * width));
        Tensor dBias = bench.master(Grid.zeros(shape.heads(), distances));
        AttentionGradients gradients = new AttentionGradients(
                dOfQueries.columns(0, width),
                dOfKeys.columns(width, 2 * width),
                dOfKeys.columns(2 * width, 3 * width),
                sizes.bias() == Bias.NONE ? null : dBias);
        engine.attentionBackward(shape, inputs, forward, sizes.dropout(), dResult, gradients);
        Map<String, double[]> results = new LinkedHashMap<>();
        results.put("attention", bench.doubles(forward.result()));
        results.put("dq", bench.doubles(dOfQueries));
        results.put("dk", columns(bench.doubles(dOfKeys), 3 * width, width));
        results.put("dv", columns(bench.doubles(dOfKeys), 3 * width, 2 * width));
        results.put("dBias", bench.doubles(dBias));
        return results;
    }

    private static double[] columns(double[] matrix, int stride, int from) {
        double[] columns = new double[matrix.length / 3];
        int width = stride / 3;
        for (int i = 0; i < columns.length; i++) {
            columns[i] = matrix[i / width * stride + from + i % width];
        }
        return columns;
    }

    private static Tensor segments(Bench bench, Sizes sizes, int length) {
        int[] segments = new int[sizes.shape().rows() * length];
        for (int i = 0; i < segments.length; i++) {
            int position = i % length;
            segments[i] = switch (sizes.segments()) {
                case ONE -> 1;
                case PACKED -> position >= length - length / 8 ? 0 : 1 + 3 * position / length;
            };
        }
        return bench.integers(segments, sizes.shape().rows(), length);
    }
}
