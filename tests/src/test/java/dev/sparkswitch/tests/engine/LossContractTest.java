package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The loss of every engine. */
class LossContractTest {
    private static final double WEIGHT = 1.0 / 37;
    private static final List<LossSettings> SETTINGS = List.of(
            new LossSettings(1, 0, 0),
            new LossSettings(0.25, 0.1, 0),
            new LossSettings(1, 0, 1e-2),
            new LossSettings(0.5, 0.1, 1e-2));

    private final Random random = new Random(5);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void lossesAndTheirGradients(EngineCase engineCase) {
        for (int[] size : List.of(new int[] {1, 1, 1}, new int[] {1, 33, 17}, new int[] {17, 65, 3})) {
            for (LossSettings settings : SETTINGS) {
                check(engineCase, size[0], size[1], Grid.random(random, size[0], size[2]), settings);
            }
        }
        check(engineCase, 3, 9001, Grid.random(random, 3, 2), SETTINGS.get(3));
        // More positions than are held at a time.
        check(engineCase, 515, 17, Grid.random(random, 515, 3), SETTINGS.get(3));
    }

    private void check(EngineCase engineCase, int tokens, int vocabulary, Grid hidden, LossSettings settings) {
        int[] targets = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            targets[t] = t % 5 == 4 ? -100 : random.nextInt(vocabulary);
        }
        check(engineCase, hidden, Grid.random(random, vocabulary, hidden.extent(1)), targets, settings);
    }

    private void check(EngineCase engineCase, Grid hidden, Grid w, int[] targets, LossSettings settings) {
        Grid before = Grid.random(random, w.shape());
        Grid losses = Reference.tokenLoss(hidden, w, targets, settings);
        Real sum = w.dot(before);
        for (Real value : hidden.values()) {
            sum = sum.plus(value.times(0));
        }
        for (Real loss : losses.values()) {
            sum = sum.plus(loss.times(WEIGHT));
        }
        Real.differentiate(sum);
        try (Bench bench = engineCase.open()) {
            Engine engine = bench.engine;
            Tensor states = bench.compute(hidden);
            Tensor weights = bench.parameter(w);
            Tensor wanted = bench.integers(targets, targets.length);
            bench.assertClose(
                    "tokenLoss", bench.fresh(() -> engine.tokenLoss(states, weights, wanted, settings)), losses);
            Tensor scratch = bench.spoiledMaster(w.shape());
            for (Tensor spoiled : List.of(bench.spoiledMaster(targets.length), bench.spoiledCompute(hidden.shape()))) {
                spoiled.close();
            }
            scratch.close();
            Tensor dw = bench.master(before);
            Engine.LossGradient found = engine.tokenLossGradient(states, weights, wanted, settings, WEIGHT, dw);
            bench.assertClose("tokenLossGradient, losses", found.tokenLoss(), losses);
            bench.assertClose(
                    "tokenLossGradient, dHidden", bench.doubles(found.dHidden()), hidden.derivatives(), WEIGHT);
            bench.assertClose("tokenLossGradient, dw", dw, w.derivatives());
        }
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void withoutTargetsThereIsNoLossAndNoGradient(EngineCase engineCase) {
        int[] targets = new int[17];
        Arrays.fill(targets, -1);
        check(engineCase, Grid.random(random, 17, 3), Grid.random(random, 33, 3), targets, SETTINGS.get(3));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void aTargetOfNoProbabilityHasAFiniteGradient(EngineCase engineCase) {
        Grid hidden = Grid.of(new double[] {64, 1}, 1, 2);
        Grid w = Grid.of(new double[] {16, 0, 0, 1, -16, 0}, 3, 2);
        for (LossSettings settings : SETTINGS) {
            check(engineCase, hidden, w, new int[] {2}, settings);
        }
    }
}
