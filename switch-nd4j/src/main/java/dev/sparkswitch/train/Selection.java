package dev.sparkswitch.train;

import java.util.Optional;

/**
 * Which of a run's models is its result: the best of those that were evaluated.
 *
 * @param validation judges them; empty where the held-out loss does
 * @param patience evaluations without a better model after which the run ends; 0: it runs to its last step
 */
public record Selection(Optional<Validation> validation, int patience) {}
