package dev.sparkswitch.model;

import dev.sparkswitch.collective.Collectives;

/**
 * How a model is spread: this rank's place among the experts and the way to the other ranks.
 *
 * @param placement which rank holds which experts
 * @param collectives this rank's operations with the others
 */
public record Parallelism(ExpertPlacement placement, Collectives collectives) {
    /** This rank. */
    public int rank() {
        return collectives.rank();
    }
}
