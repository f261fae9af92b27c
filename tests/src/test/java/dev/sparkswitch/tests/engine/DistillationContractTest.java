package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.DistillationSettings;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The loss of a student that learns from data and a teacher, on every engine. */
class DistillationContractTest {
    private static final double WEIGHT = 1.0 / 37;
    private static final double TEACHER_SCALE = 0.5;
    private static final int TEACHER_WIDTH = 5;
    private static final List<DistillationSettings> SETTINGS = List.of(
            new DistillationSettings(new LossSettings(1, 0, 0), 0.25, 1),
            new DistillationSettings(new LossSettings(0.5, 0.1, 1e-2), 0.25, 3),
            new DistillationSettings(new LossSettings(1, 0, 0), 1, 0.5),
            new DistillationSettings(new LossSettings(0.25, 0.1, 0), 0, 2));

    private final Random random = new Random(11);

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void ofATeacherOfAnotherWidth(EngineCase engineCase) {
        for (int[] size : List.of(new int[] {1, 2, 1}, new int[] {1, 33, 17}, new int[] {17, 65, 3})) {
            for (DistillationSettings settings : SETTINGS) {
                checkTeacher(engineCase, size[0], size[1], size[2], settings);
            }
        }
        checkTeacher(engineCase, 3, 9001, 2, SETTINGS.get(1));
        // More positions than are held at a time.
        checkTeacher(engineCase, 515, 17, 3, SETTINGS.get(1));
    }

    @ParameterizedTest
    @MethodSource("dev.sparkswitch.tests.engine.EngineCase#all")
    void ofTheTeachersLikeliestTokens(EngineCase engineCase) {
        for (int[] size : List.of(new int[] {1, 2, 1, 1}, new int[] {17, 65, 3, 4}, new int[] {515, 17, 3, 2})) {
            for (DistillationSettings settings : SETTINGS) {
                checkTop(engineCase, size[0], size[1], size[2], size[3], settings);
            }
        }
    }

    private void checkTeacher(
            EngineCase engineCase, int tokens, int vocabulary, int width, DistillationSettings settings) {
        Grid teacherHidden = Grid.random(random, tokens, TEACHER_WIDTH);
        Grid teacherHead = Grid.random(random, vocabulary, TEACHER_WIDTH);
        double[][] soft = Reference.softened(teacherHidden, teacherHead, TEACHER_SCALE, settings.temperature());
        check(
                engineCase,
                tokens,
                vocabulary,
                width,
                settings,
                soft,
                bench -> new SoftTargets.OfTeacher(
                        bench.compute(teacherHidden), bench.parameter(teacherHead), TEACHER_SCALE));
    }

    private void checkTop(
            EngineCase engineCase, int tokens, int vocabulary, int width, int choices, DistillationSettings settings) {
        double[][] soft = new double[tokens][vocabulary];
        int[] ids = new int[tokens * choices];
        double[] probabilities = new double[tokens * choices];
        for (int t = 0; t < tokens; t++) {
            int first = random.nextInt(vocabulary);
            for (int i = 0; i < choices; i++) {
                int id = (first + i * 3) % vocabulary;
                // Sixteenths are the same in every precision; every seventh position has nothing to say.
                double probability = t % 7 == 6 ? 0 : i == 0 ? 1 - (choices - 1) / 16.0 : 1 / 16.0;
                ids[t * choices + i] = id;
                probabilities[t * choices + i] = probability;
                soft[t][id] = probability;
            }
        }
        check(
                engineCase,
                tokens,
                vocabulary,
                width,
                settings,
                soft,
                bench -> new SoftTargets.TopK(
                        bench.integers(ids, tokens, choices), bench.master(Grid.of(probabilities, tokens, choices))));
    }

    private interface Teaching {
        SoftTargets on(Bench bench);
    }

    private void check(
            EngineCase engineCase,
            int tokens,
            int vocabulary,
            int width,
            DistillationSettings settings,
            double[][] soft,
            Teaching teaching) {
        int[] targets = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            targets[t] = t % 5 == 4 ? -100 : random.nextInt(vocabulary);
        }
        Grid hidden = Grid.random(random, tokens, width);
        Grid w = Grid.random(random, vocabulary, width);
        Grid before = Grid.random(random, w.shape());
        Grid losses = Reference.distillation(hidden, w, targets, soft, settings);
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
            SoftTargets taught = teaching.on(bench);
            Tensor states = bench.compute(hidden);
            Tensor weights = bench.parameter(w);
            Tensor wanted = bench.integers(targets, targets.length);
            for (Tensor spoiled : List.of(bench.spoiledMaster(targets.length), bench.spoiledCompute(hidden.shape()))) {
                spoiled.close();
            }
            Tensor dw = bench.master(before);
            Engine.LossGradient found =
                    engine.distillationGradient(states, weights, wanted, taught, settings, WEIGHT, dw);
            bench.assertClose("losses", found.tokenLoss(), losses);
            bench.assertClose("dHidden", bench.doubles(found.dHidden()), hidden.derivatives(), WEIGHT);
            bench.assertClose("dw", dw, w.derivatives());
        }
    }
}
