package dev.sparkswitch.train;

/**
 * The sums of squares of a rank's gradients.
 *
 * @param shared of what every rank holds
 * @param experts of the rank's own experts
 */
record GradientSquares(double shared, double experts) {
    static final GradientSquares NONE = new GradientSquares(0, 0);
}
