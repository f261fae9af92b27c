package dev.sparkswitch.tests.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A float64 number that remembers how it was made, so that derivatives of a plainly written formula follow from the chain
 * rule alone and nobody has to write them down.
 */
final class Real {
    static final Real ZERO = constant(0);

    private static final AtomicLong CREATED = new AtomicLong();

    private final double value;
    /** Numbers are made after those that they are made of; 0 for constants, which have no derivative. */
    private final long order;

    private final Real left;
    private final Real right;
    private final double byLeft;
    private final double byRight;
    private double derivative;
    private boolean reached;

    private Real(double value, long order, Real left, double byLeft, Real right, double byRight) {
        this.value = value;
        this.order = order;
        this.left = left;
        this.right = right;
        this.byLeft = byLeft;
        this.byRight = byRight;
    }

    static Real constant(double value) {
        return new Real(value, 0, null, 0, null, 0);
    }

    static Real variable(double value) {
        return new Real(value, CREATED.incrementAndGet(), null, 0, null, 0);
    }

    private static Real of(double value, Real left, double byLeft, Real right, double byRight) {
        boolean constant = left.order == 0 && (right == null || right.order == 0);
        return constant ? constant(value) : new Real(value, CREATED.incrementAndGet(), left, byLeft, right, byRight);
    }

    double value() {
        return value;
    }

    /** The derivative that the last call of {@link #differentiate} found. */
    double derivative() {
        return derivative;
    }

    Real plus(Real other) {
        return of(value + other.value, this, 1, other, 1);
    }

    Real plus(double other) {
        return of(value + other, this, 1, null, 0);
    }

    Real minus(Real other) {
        return of(value - other.value, this, 1, other, -1);
    }

    Real times(Real other) {
        return of(value * other.value, this, other.value, other, value);
    }

    Real times(double other) {
        return of(value * other, this, other, null, 0);
    }

    Real over(Real other) {
        return of(value / other.value, this, 1 / other.value, other, -value / (other.value * other.value));
    }

    Real square() {
        return times(this);
    }

    Real squareRoot() {
        double root = Math.sqrt(value);
        return of(root, this, 0.5 / root, null, 0);
    }

    Real exp() {
        double exp = Math.exp(value);
        return of(exp, this, exp, null, 0);
    }

    Real log() {
        return of(Math.log(value), this, 1 / value, null, 0);
    }

    Real tanh() {
        double tanh = Math.tanh(value);
        return of(tanh, this, 1 - tanh * tanh, null, 0);
    }

    /** Finds the derivative of {@code sum} by everything that it is made of. */
    static void differentiate(Real sum) {
        List<Real> parts = new ArrayList<>();
        Deque<Real> open = new ArrayDeque<>();
        open.push(sum);
        while (!open.isEmpty()) {
            Real part = open.pop();
            if (part.order != 0 && !part.reached) {
                part.reached = true;
                part.derivative = 0;
                parts.add(part);
                if (part.left != null) {
                    open.push(part.left);
                }
                if (part.right != null) {
                    open.push(part.right);
                }
            }
        }
        parts.sort(Comparator.comparingLong((Real part) -> part.order).reversed());
        sum.derivative = 1;
        for (Real part : parts) {
            part.reached = false;
            if (part.left != null) {
                part.left.derivative += part.derivative * part.byLeft;
            }
            if (part.right != null) {
                part.right.derivative += part.derivative * part.byRight;
            }
        }
    }
}
