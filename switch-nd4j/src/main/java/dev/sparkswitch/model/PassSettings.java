package dev.sparkswitch.model;

/**
 * What a pass through a stack is for.
 *
 * @param phase training draws dropout and jitter and uses the training capacity
 * @param seed the run's seed
 * @param step the step's number, a coordinate of the random numbers
 * @param routerWeights how the stack's router losses weigh; of no effect without a backward pass
 * @param recomputation what the backward pass makes again
 * @param exchangeChunks parts in which a rank's experts exchange tokens with other ranks; 0 for as many as serve
 */
public record PassSettings(
        Phase phase,
        long seed,
        int step,
        RouterWeights routerWeights,
        Recomputation recomputation,
        int exchangeChunks) {
    /** A pass of {@code phase} without randomness and without a backward pass. */
    public static PassSettings forwardOnly(Phase phase) {
        return new PassSettings(phase, 0, 0, new RouterWeights(0, 0), Recomputation.NONE, 0);
    }
}
