package dev.sparkswitch.model;

/**
 * What a training pass needs to know of its step: every denominator counts the whole step, so that micro-batches and ranks
 * add up to the same gradient however the step is cut.
 *
 * @param seed the run's seed
 * @param step the step's number
 * @param targetTokens N_target, the positions that count in the step's loss
 * @param groups routing groups of the step, in either stack
 * @param routedInputs routed encoder positions of the step
 * @param routedTargets routed decoder positions of the step
 * @param labelSmoothing see {@link dev.sparkswitch.engine.LossSettings}
 * @param zLoss the coefficient of the language model's z-loss
 * @param recomputation what the backward pass makes again
 * @param exchangeChunks see {@link PassSettings}
 */
public record StepSettings(
        long seed,
        int step,
        long targetTokens,
        long groups,
        long routedInputs,
        long routedTargets,
        double labelSmoothing,
        double zLoss,
        Recomputation recomputation,
        int exchangeChunks) {

    /** A step that keeps everything for its backward pass. */
    public StepSettings(
            long seed,
            int step,
            long targetTokens,
            long groups,
            long routedInputs,
            long routedTargets,
            double labelSmoothing,
            double zLoss) {
        this(
                seed,
                step,
                targetTokens,
                groups,
                routedInputs,
                routedTargets,
                labelSmoothing,
                zLoss,
                Recomputation.NONE,
                0);
    }
}
