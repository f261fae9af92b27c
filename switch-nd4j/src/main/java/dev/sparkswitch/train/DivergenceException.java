package dev.sparkswitch.train;

/**
 * Training left its course in a step, which was not taken. Every rank of the world meets it in the same step; the attempt
 * that follows goes back to a checkpoint.
 */
public final class DivergenceException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long step;

    DivergenceException(long step, String message) {
        super(message);
        this.step = step;
    }

    /** The step that was not taken, from 1. */
    public long step() {
        return step;
    }
}
