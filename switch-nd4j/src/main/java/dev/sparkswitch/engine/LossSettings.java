package dev.sparkswitch.engine;

/**
 * How cross-entropy is taken.
 *
 * @param logitScale the factor of the logits; d_model^-0.5 for T5's tied head, 1 for an untied one
 * @param labelSmoothing the share of the target's probability spread evenly over the whole vocabulary
 * @param zLoss the factor of logsumexp^2
 */
public record LossSettings(double logitScale, double labelSmoothing, double zLoss) {}
