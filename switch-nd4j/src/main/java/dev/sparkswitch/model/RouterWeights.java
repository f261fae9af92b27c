package dev.sparkswitch.model;

/**
 * How a stack's router losses weigh in the step's loss: the coefficients over the denominators of the whole step, so that
 * parts of a step add up however it is cut into micro-batches and ranks.
 *
 * @param balance alpha over the number of routing groups
 * @param z the z-loss's coefficient over the number of routed tokens
 */
public record RouterWeights(double balance, double z) {}
