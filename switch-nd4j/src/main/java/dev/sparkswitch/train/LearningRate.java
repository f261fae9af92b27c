package dev.sparkswitch.train;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;

/**
 * The learning rate of each step.
 *
 * @param schedule its course
 * @param rate the rate at the end of the warm-up
 * @param warmUp the steps of the warm-up
 */
public record LearningRate(
        @Setting(value = "inverse-square-root", help = "inverse-square-root, constant or linear-decay")
        Schedule schedule,

        @Setting(value = "0.01", help = "the rate when the warm-up ends")
        double rate,

        @Setting(value = "10000", help = "steps of warm-up") int warmUp) {
    /** The course of a learning rate. */
    public enum Schedule {
        /** {@code rate * sqrt(warm-up / max(step, warm-up))}: with 0.01 and 10,000 the rule of T5 and Switch. */
        INVERSE_SQUARE_ROOT,
        /** Linear up to {@code rate} over the warm-up, then constant. */
        CONSTANT,
        /** Linear up to {@code rate} over the warm-up, then linear down to a tenth of it at the last step. */
        LINEAR_DECAY
    }

    public LearningRate {
        if (!(rate > 0) || warmUp < 1) {
            throw new UserException("learning-rate needs a rate above 0 and a warm-up of at least 1 step, not " + rate
                    + " and " + warmUp);
        }
    }

    /** The rate of {@code step}, counted from 1, in a run of {@code steps}. */
    public double at(long step, long steps) {
        return switch (schedule) {
            case INVERSE_SQUARE_ROOT -> rate * Math.sqrt(warmUp / (double) Math.max(step, warmUp));
            case CONSTANT -> rate * Math.min(1, (double) step / warmUp);
            case LINEAR_DECAY -> {
                double left = (double) (steps - step) / Math.max(1, steps - warmUp);
                yield rate * (step < warmUp ? (double) step / warmUp : 0.1 + 0.9 * Math.max(0, left));
            }
        };
    }
}
