package dev.sparkswitch.engine;

/**
 * A parameter, its gradient and its two moments, all of master type and of one shape.
 *
 * @param value the parameter
 * @param gradient its gradient
 * @param firstMoments the running mean of gradients
 * @param secondMoments the running mean of squared gradients
 */
public record AdamWSlot(Tensor value, Tensor gradient, Tensor firstMoments, Tensor secondMoments) {}
