package dev.sparkswitch.tests.engine;

import java.util.Random;
import java.util.function.IntFunction;

/**
 * A dense array of {@link Real} numbers, row-major.
 *
 * @param shape the extents
 * @param values the elements
 */
record Grid(int[] shape, Real[] values) {
    static int size(int... shape) {
        int size = 1;
        for (int extent : shape) {
            size *= extent;
        }
        return size;
    }

    static Grid of(IntFunction<Real> values, int... shape) {
        Real[] all = new Real[size(shape)];
        for (int i = 0; i < all.length; i++) {
            all[i] = values.apply(i);
        }
        return new Grid(shape, all);
    }

    /** Variables of these values. */
    static Grid of(double[] values, int... shape) {
        return of(i -> Real.variable(values[i]), shape);
    }

    static Grid zeros(int... shape) {
        return of(i -> Real.ZERO, shape);
    }

    /** Variables between -2 and 2 that every floating-point type represents exactly, so that engines get the same ones. */
    static Grid random(Random random, int... shape) {
        return of(i -> Real.variable((random.nextInt(255) - 127) / 64.0), shape);
    }

    int extent(int axis) {
        return shape[axis < 0 ? shape.length + axis : axis];
    }

    /** The number of rows when all axes but the last are taken as one. */
    int rows() {
        return extent(-1) == 0 ? 0 : values.length / extent(-1);
    }

    /** An element of the matrix of {@link #rows}. */
    Real at(int row, int column) {
        return values[row * extent(-1) + column];
    }

    void set(int row, int column, Real value) {
        values[row * extent(-1) + column] = value;
    }

    double[] doubles() {
        double[] doubles = new double[values.length];
        for (int i = 0; i < doubles.length; i++) {
            doubles[i] = values[i].value();
        }
        return doubles;
    }

    /** The derivatives that {@link Real#differentiate} found last. */
    double[] derivatives() {
        double[] derivatives = new double[values.length];
        for (int i = 0; i < derivatives.length; i++) {
            derivatives[i] = values[i].derivative();
        }
        return derivatives;
    }

    /** The sum of the products of elements: its derivatives are the gradients that come back from {@code weights}. */
    Real dot(Grid weights) {
        Real sum = Real.ZERO;
        for (int i = 0; i < values.length; i++) {
            sum = sum.plus(values[i].times(weights.values[i].value()));
        }
        return sum;
    }

    /** Finds the derivatives of {@link #dot}. */
    void differentiate(Grid weights) {
        Real.differentiate(dot(weights));
    }
}
