package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Gradients beside central differences of the function that they are said to belong to, at sampled coordinates.
 *
 * <p>The function may be piecewise smooth. Where a step changes the piece, as the choice of an expert does, the coordinate is
 * left out and counted; where it crosses the kink of a ReLU, a smaller step is tried.
 */
final class CentralDifferences {
    /** The value of a function, and which of its smooth pieces it was taken on. */
    record Value(double value, Object piece) {}

    private static final double[] STEPS = {1e-5, 1e-6, 1e-4};
    /** The largest error in float64, where the differences themselves are as rough. */
    private static final double FLOAT64 = 1e-6;
    /** Below this share of the gradient's largest element the rounding of the function itself would be measured. */
    private static final double FLOOR = 1e-3;

    private final String name;
    private final Random random;
    private final int coordinates;
    private final Supplier<Value> function;
    private final double tolerance;
    private final double floorShare;
    private final List<String> wrong = new ArrayList<>();
    private int checked;
    private int leftOut;

    /**
     * Checks of gradients in float64.
     *
     * @param coordinates how many of each argument are tried
     * @param function of arguments that are changed in place, in float64
     */
    CentralDifferences(String name, int coordinates, Supplier<Value> function) {
        this(name, coordinates, function, FLOAT64, FLOOR);
    }

    private CentralDifferences(
            String name, int coordinates, Supplier<Value> function, double tolerance, double floorShare) {
        this.tolerance = tolerance;
        this.floorShare = floorShare;
        this.name = name;
        this.coordinates = coordinates;
        this.function = function;
        this.random = new Random(name.hashCode());
    }

    /** Checks of gradients that carry rounding errors of up to {@code tolerance} of their largest element. */
    static CentralDifferences rounded(String name, int coordinates, Supplier<Value> function, double tolerance) {
        return new CentralDifferences(name, coordinates, function, tolerance, 1);
    }

    /** Tries the largest element of the gradient of {@code argument} and some others. */
    void check(String what, double[] argument, double[] gradient) {
        assertThat(gradient).as(what).hasSameSizeAs(argument).doesNotContain(Double.NaN);
        int peak = 0;
        for (int i = 0; i < gradient.length; i++) {
            peak = Math.abs(gradient[i]) > Math.abs(gradient[peak]) ? i : peak;
        }
        double floor = Math.max(floorShare * Math.abs(gradient[peak]), 1e-5);
        for (int c = 0; c < Math.min(coordinates, argument.length); c++) {
            check(what, argument, gradient, c == 0 ? peak : random.nextInt(argument.length), floor);
        }
    }

    private void check(String what, double[] argument, double[] gradient, int at, double floor) {
        double before = argument[at];
        Object piece = function.get().piece();
        double best = Double.POSITIVE_INFINITY;
        double found = Double.NaN;
        boolean same = false;
        for (double step : STEPS) {
            argument[at] = before + step;
            Value up = function.get();
            argument[at] = before - step;
            Value down = function.get();
            argument[at] = before;
            if (!up.piece().equals(piece) || !down.piece().equals(piece)) {
                continue;
            }
            same = true;
            double slope = (up.value() - down.value()) / (2 * step);
            double error = Math.abs(slope - gradient[at]) / Math.max(Math.abs(gradient[at]), floor);
            if (error < best) {
                best = error;
                found = slope;
            }
            if (error <= tolerance) {
                break;
            }
        }
        if (!same) {
            leftOut++;
            return;
        }
        checked++;
        if (!(best <= tolerance)) {
            wrong.add(what + "[" + at + "] is " + gradient[at] + ", differences say " + found + ", off by " + best);
        }
    }

    /** Fails where a gradient was wrong, or too few could be tried. */
    void done() {
        assertThat(wrong).as(name).isEmpty();
        assertThat(leftOut)
                .as("coordinates left out of " + (checked + leftOut))
                .isLessThan(1 + (checked + leftOut) / 10);
    }
}
