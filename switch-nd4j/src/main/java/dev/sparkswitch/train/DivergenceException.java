package dev.sparkswitch.train;

/**
 * Training left its course in a step, which was not taken. Every rank of the world meets it in the same step; the attempt
 * that follows goes back to a checkpoint.
 */
public final class DivergenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long step;
    private final boolean finite;

    private DivergenceException(long step, boolean finite, String message) {
        super(message);
        this.step = step;
        this.finite = finite;
    }

    /** The step's numbers are none, or infinite. */
    static DivergenceException notFinite(long step, String message) {
        return new DivergenceException(step, false, message);
    }

    /** The step's numbers are numbers, and not what they should be. */
    static DivergenceException offCourse(long step, String message) {
        return new DivergenceException(step, true, message);
    }

    /** The same with another message. */
    DivergenceException saying(String message) {
        return new DivergenceException(step, finite, message);
    }

    /** Whether the step's loss and gradients were finite numbers. */
    boolean isFinite() {
        return finite;
    }

    /** The step that was not taken, from 1. */
    public long step() {
        return step;
    }
}
