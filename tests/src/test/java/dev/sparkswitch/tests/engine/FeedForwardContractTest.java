package dev.sparkswitch.tests.engine;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations and embeddings of every engine. */
class FeedForwardContractTest {
    private static final Philox NUMBERS = RandomStream.EXPERT_DROPOUT.at(11, 5, 3);
    private static final Dropout ROWS = Dropout.ofRows(0.25, NUMBERS, 1_000_003L);
    private static final Dropout PLANES = new Dropout(0.25, NUMBERS, 1_000_003L, 2, 7);

    private final Random random = new Random(4);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void activationAndItsBackward(EngineCase engineCase) {
        for (Activation activation : Activation.values()) {
            for (int width : new int[] {1, 3, 17, 33, 40}) {
                check(engineCase, activation, Dropout.NONE, 5, width);
                check(engineCase, activation, ROWS, 5, width);
                check(engineCase, activation, Dropout.NONE, 3, 5, width);
                check(engineCase, activation, PLANES, 3, 5, width);
                check(engineCase, activation, PLANES, 1, 1, width);
            }
        }
    }

    private void check(EngineCase engineCase, Activation activation, Dropout dropout, int... shape) {
        int[] wide = shape.clone();
        wide[wide.length - 1] *= activation.branches();
        Grid x = Grid.random(random, wide);
        x.values()[0] = Real.variable(0);
        Grid dy = Grid.random(random, shape);
        Grid y = Reference.activation(x, activation, dropout);
        Real all = y.dot(dy);
        for (Real value : x.values()) {
            all = all.plus(value.times(0));
        }
        Real.differentiate(all);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor inputs = bench.compute(x);
            Tensor gradient = bench.compute(dy);
            bench.assertClose(
                    "activation " + activation, bench.fresh(() -> engine.activation(inputs, activation, dropout)), y);
            bench.assertClose(
                    "activationBackward " + activation,
                    bench.fresh(() -> engine.activationBackward(gradient, inputs, activation, dropout)),
                    x.derivatives());
        }
    }

    /** Rows of whole words of 32 columns may be let through by masks of bits. */
    static Stream<EngineCase> engines() {
        boolean emulated = EngineCase.all().anyMatch(engine -> engine.name().startsWith("emulated"));
        return emulated
                ? Stream.concat(EngineCase.all(), Stream.of(EngineCase.emulatedWithout("relu-masks")))
                : EngineCase.all();
    }

    @ParameterizedTest
    @MethodSource("engines")
    void theGradientThroughTheProductThatTookTheResult(EngineCase engineCase) {
        for (Activation activation : Activation.values()) {
            for (int width : new int[] {17, 96, 384}) {
                checkThrough(engineCase, activation, Dropout.NONE, 5, width);
                checkThrough(engineCase, activation, ROWS, 5, width);
                checkThrough(engineCase, activation, PLANES, 3, 5, width);
            }
        }
    }

    private void checkThrough(EngineCase engineCase, Activation activation, Dropout dropout, int... shape) {
        int width = shape[shape.length - 1];
        int experts = shape.length == 3 ? shape[0] : 1;
        int out = 24;
        int[] wide = shape.clone();
        wide[wide.length - 1] *= activation.branches();
        int[] narrow = shape.clone();
        narrow[narrow.length - 1] = out;
        Grid x = Grid.random(random, wide);
        Grid w = shape.length == 3 ? Grid.random(random, experts, out, width) : Grid.random(random, out, width);
        Grid dz = Grid.random(random, narrow);
        double[] dy = new double[Grid.size(shape)];
        int rows = dy.length / width / experts;
        for (int i = 0; i < dy.length; i++) {
            int row = i / width;
            for (int o = 0; o < out; o++) {
                dy[i] += dz.values()[row * out + o].value()
                        * w.values()[(row / rows * out + o) * width + i % width].value();
            }
        }
        Grid y = Reference.activation(x, activation, dropout);
        Real all = y.dot(Grid.of(dy, shape));
        for (Real value : x.values()) {
            all = all.plus(value.times(0));
        }
        Real.differentiate(all);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor gradient = bench.compute(dz);
            Tensor weights = bench.parameter(w);
            Engine.Activated forward = engine.activate(bench.compute(x), activation, dropout);
            bench.assertClose("activate " + activation, forward.result(), y);
            bench.assertClose(
                    "gradient through " + activation,
                    bench.fresh(() -> shape.length == 3
                            ? engine.groupedActivatedInputGradient(gradient, weights, forward, activation, dropout)
                            : engine.activatedInputGradient(gradient, weights, forward, activation, dropout)),
                    x.derivatives());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void largeInputsOfTheGateStayFinite(EngineCase engineCase) {
        Grid x = Grid.of(new double[] {-64, 64, -8, 8, 2, 2, 2, 2}, 1, 8);
        Grid dy = Grid.of(i -> Real.constant(1), 1, 4);
        Grid y = Reference.activation(x, Activation.GATED_GELU, Dropout.NONE);
        y.differentiate(dy);
        try (Bench bench = engineCase.open()) {
            Tensor inputs = bench.compute(x);
            bench.assertClose(
                    "gate at its ends", bench.engine.activation(inputs, Activation.GATED_GELU, Dropout.NONE), y);
            bench.assertClose(
                    "gate at its ends, backward",
                    bench.engine.activationBackward(bench.compute(dy), inputs, Activation.GATED_GELU, Dropout.NONE),
                    x.derivatives());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void embedAndItsBackward(EngineCase engineCase) {
        for (int[] size : List.of(
                new int[] {1, 1, 1}, new int[] {17, 5, 3}, new int[] {33, 65, 17}, new int[] {300, 3, 40}, new int[] {
                    300, 1100, 3
                })) {
            for (Dropout dropout : List.of(Dropout.NONE, ROWS)) {
                int[] ids = new int[size[0]];
                for (int t = 0; t < ids.length; t++) {
                    ids[t] = random.nextInt(size[1]);
                }
                Grid table = Grid.random(random, size[1], size[2]);
                Grid dy = Grid.random(random, size[0], size[2]);
                Grid before = Grid.random(random, size[1], size[2]);
                Grid y = Reference.embed(ids, table, dropout);
                // Dropped elements and ids that do not occur keep what stood in the gradient before.
                Real.differentiate(y.dot(dy).plus(table.dot(before)));
                try (Bench bench = engineCase.open()) {
                    Engine engine = bench.engine;
                    Tensor numbers = bench.integers(ids, ids.length);
                    Tensor weights = bench.parameter(table);
                    bench.assertClose("embed", bench.fresh(() -> engine.embed(numbers, weights, dropout)), y);
                    Tensor dTable = bench.master(before);
                    engine.embedBackward(bench.compute(dy), numbers, dTable, dropout);
                    bench.assertClose("embedBackward", dTable, table.derivatives());
                }
            }
        }
    }
}
