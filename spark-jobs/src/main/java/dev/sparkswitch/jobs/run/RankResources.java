package dev.sparkswitch.jobs.run;

/**
 * What a rank may use of its machine.
 *
 * @param cores processor cores
 * @param card the CUDA card, counted from 0
 */
public record RankResources(int cores, int card) {
    /** All cores of this machine and its first card: for a rank that has it to itself. */
    public static RankResources wholeMachine() {
        return new RankResources(Runtime.getRuntime().availableProcessors(), 0);
    }
}
