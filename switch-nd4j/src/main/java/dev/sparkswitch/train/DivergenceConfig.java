package dev.sparkswitch.train;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.Contradictions;

/**
 * When training counts as diverged, and how often it may go back because of that.
 *
 * @param explosion nats by which a step's cross-entropy may exceed the mean of the steps before; 0: by any number
 * @param window the steps that the mean is over; before as many were done, only a loss that is no number counts
 * @param rollbacks how often a run goes back to a checkpoint and round the batches; with one more it gives up
 */
public record DivergenceConfig(
        @Setting(value = "2.0", help = "nats above the mean loss of the window that count as divergence; 0: never")
        double explosion,

        @Setting(value = "50", help = "steps whose mean loss a step is compared with")
        int window,

        @Setting(value = "3", help = "times that a run goes back and skips the batches before it gives up")
        int rollbacks) {
    public DivergenceConfig {
        Contradictions.none(found -> found.notNegative("divergence.explosion", explosion)
                .atLeast(2, "divergence.window", window)
                .atLeast(0, "divergence.rollbacks", rollbacks));
    }
}
