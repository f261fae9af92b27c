package dev.sparkswitch.engine;

import dev.sparkswitch.base.Philox;

/**
 * Inverted dropout by counter-based random numbers: an element is kept when its 16 random bits, as an unsigned number, are
 * at least {@link #threshold()}, and is then multiplied by {@link #scale()}. Element e has half {@code e & 1} (0: the low
 * 16 bits) of word {@code e >>> 1} of the source, so one Philox block serves eight elements. A rate therefore takes effect in
 * steps of 1/65536: it is rounded to the nearest, and the scale is that of the rounded rate, which keeps every element's
 * expectation exactly. Masks need not be stored: a backward pass can draw them again.
 *
 * <p>A tensor is taken as [planes, rows, width]; element (p, r, j) has the number {@code ((firstRow + r) * totalPlanes +
 * firstPlane + p) * width + j}. Rows are numbered over the whole step's batch, so that a mask does not depend on how rows
 * and planes are spread over ranks.
 *
 * @param rate the probability of dropping an element, in [0, 1)
 * @param source the random words; null only where the rate is 0
 * @param firstRow the number of the tensor's first row
 * @param firstPlane the number of the tensor's first plane
 * @param totalPlanes the number of planes over all ranks
 */
public record Dropout(double rate, Philox source, long firstRow, int firstPlane, int totalPlanes) {
    /** What 16 bits can be. */
    private static final int OUTCOMES = 1 << 16;

    /** No dropout. */
    public static final Dropout NONE = new Dropout(0, null, 0, 0, 1);

    public Dropout {
        if (!(rate >= 0 && rate < 1)) {
            throw new IllegalArgumentException("a dropout rate lies in [0, 1): " + rate);
        }
    }

    /** Dropout of a tensor without planes. */
    public static Dropout ofRows(double rate, Philox source, long firstRow) {
        return rate == 0 ? NONE : new Dropout(rate, source, firstRow, 0, 1);
    }

    /** Whether any element is dropped. */
    public boolean active() {
        return rate > 0;
    }

    /** The number of the first element of a row of {@code width} elements. */
    public long element(int plane, int row, int width) {
        return ((firstRow + row) * totalPlanes + firstPlane + plane) * width;
    }

    /** The smallest of the numbers 0 to 65535 that keeps an element. */
    public int threshold() {
        return (int) Math.min(OUTCOMES - 1, Math.round(rate * OUTCOMES));
    }

    /** The factor of a kept element: the inverse of the probability that an element is kept. */
    public double scale() {
        return OUTCOMES / (double) (OUTCOMES - threshold());
    }
}
