package dev.sparkswitch.eval.study;

import dev.sparkswitch.eval.report.MetricsLog;
import java.util.List;

/**
 * A model of a study, and the runs that trained it.
 *
 * @param name of the variant
 * @param experts of a sparse layer; 0 for a dense model
 * @param capacity the capacity factor in training as text, such as {@code 1.25}; a dash where there is none
 * @param parameters of the model
 * @param stepFlops floating-point operations of a training step, forward and backward
 * @param stepTokens input and target positions of a step's rows
 * @param stepRows rows of a step
 * @param runs a run a seed
 */
public record StudyVariant(
        String name,
        int experts,
        String capacity,
        long parameters,
        double stepFlops,
        long stepTokens,
        int stepRows,
        List<Run> runs) {

    /** How far a run is. */
    public enum State {
        WAITING,
        UNDER_WAY,
        FINISHED,
        /** It ended with an error, such as a divergence that it could not leave behind. */
        FAILED
    }

    /**
     * A run.
     *
     * @param seed of its random numbers
     * @param state how far it is
     * @param note why it failed; empty otherwise
     * @param log its metrics, empty where there are none yet
     */
    public record Run(long seed, State state, String note, MetricsLog log) {}

    public StudyVariant {
        runs = List.copyOf(runs);
    }

    /** Operations that one token takes in training, forward and backward. */
    public double flopsAToken() {
        return stepFlops / stepTokens;
    }
}
