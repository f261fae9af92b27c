package dev.sparkswitch.model;

import dev.sparkswitch.base.Choice;
import dev.sparkswitch.base.Setting;

/** How a router strays, in training alone, from what it holds to be best (Switch Transformer, table 11). */
@Choice("kind")
public sealed interface Exploration {
    /** The paper's jitter. */
    Exploration JITTER = new InputJitter(0.01);

    /**
     * The router's input is multiplied, element by element, by U(1 - rate, 1 + rate).
     *
     * @param rate above 0 and below 1
     */
    record InputJitter(
            @Setting(value = "0.01", help = "relative noise on the router's input, or share of it that is dropped")
            double rate)
            implements Exploration {
        public InputJitter {
            requireRate(rate);
        }
    }

    /**
     * The router's input passes a dropout of its own.
     *
     * @param rate above 0 and below 1
     */
    record InputDropout(@Setting("0.1") double rate) implements Exploration {
        public InputDropout {
            requireRate(rate);
        }
    }

    /** Experts are sampled from the router's probabilities. */
    record Sample() implements Exploration {}

    /** None: the most probable experts. */
    record Argmax() implements Exploration {}

    private static void requireRate(double rate) {
        Contradictions.none(found -> found.check(
                rate > 0 && rate < 1,
                "router.exploration.rate is " + rate + " but must be above 0 and below 1; argmax explores nothing"));
    }
}
