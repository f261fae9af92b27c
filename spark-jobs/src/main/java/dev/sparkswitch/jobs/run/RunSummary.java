package dev.sparkswitch.jobs.run;

import java.io.Serializable;
import java.util.List;

/**
 * How a run ended, as its ranks saw it.
 *
 * @param steps steps done in all
 * @param paused whether it stopped at its time limit, with steps left; nothing was measured then
 * @param heldOutLoss the last held-out loss, nats a target token; NaN where there is none
 * @param heldOutTextLoss the same over text tokens alone
 * @param engine the engine's description
 * @param compared what the models to compare are worth, in their order, the higher the better
 */
record RunSummary(
        long steps, boolean paused, double heldOutLoss, double heldOutTextLoss, String engine, List<Double> compared)
        implements Serializable {}
