package dev.sparkswitch.jobs.run;

import java.io.Serializable;

/**
 * How a run ended, as its ranks saw it.
 *
 * @param steps steps done in all
 * @param heldOutLoss the last held-out loss, nats a target token; NaN where there is none
 * @param heldOutTextLoss the same over text tokens alone
 * @param engine the engine's description
 */
record RunSummary(long steps, double heldOutLoss, double heldOutTextLoss, String engine) implements Serializable {}
