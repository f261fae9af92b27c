package dev.sparkswitch.train;

import java.io.Serializable;

/**
 * How far a run is, as shown to the person who watches it.
 *
 * @param step steps done
 * @param steps steps to do
 * @param loss the last training loss, nats a token
 * @param heldOutLoss the last held-out loss, nats a token; NaN before the first
 * @param tokensPerSecond input and target tokens a second, over the last steps, all ranks together
 * @param droppedFraction the fraction of routed tokens that found no slot in the last step
 */
public record TrainingStatus(
        long step, long steps, double loss, double heldOutLoss, double tokensPerSecond, double droppedFraction)
        implements Serializable {}
