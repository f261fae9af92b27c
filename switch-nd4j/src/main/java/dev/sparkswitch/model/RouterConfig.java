package dev.sparkswitch.model;

import dev.sparkswitch.base.Choice;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RoutingPolicy;

/** How tokens and experts find each other; the formulas are {@link RoutingPolicy}'s. */
@Choice("policy")
public sealed interface RouterConfig {
    /** The Switch Transformer's own: one expert a token, input jitter, overflow dropped. */
    RouterConfig TOP_1 = topK(1);

    /** What becomes of a choice that finds its expert full. */
    Overflow overflow();

    /** How training strays from the most probable experts. */
    Exploration exploration();

    /** The experts that a layer must have at least. */
    int leastExperts();

    /** Experts a token, in whose units capacity factors count. */
    int share();

    /** k experts a token with the paper's jitter, overflow dropped. */
    static RouterConfig topK(int k) {
        return new TopK(k, Overflow.DROP, Exploration.JITTER);
    }

    /**
     * Each token takes the k experts of the highest probability; all first choices are placed before second ones.
     *
     * @param k experts a token, at least 1
     * @param overflow what becomes of a choice that finds its expert full
     * @param exploration how training strays from the most probable experts
     */
    record TopK(
            @Setting(value = "1", help = "experts that a token is sent to (top-k)")
            int k,

            @Setting(value = "drop", help = "what becomes of a choice whose expert is full (top-k, top-p)")
            Overflow overflow,

            @Setting(help = "how training strays from the most probable experts (not for hash)")
            Exploration exploration)
            implements RouterConfig {
        public TopK {
            Contradictions.none(found -> found.atLeast(1, "router.k", k));
        }

        @Override
        public int leastExperts() {
            return k;
        }

        @Override
        public int share() {
            return k;
        }
    }

    /**
     * Each token takes experts in the order of their probability until these add up to p. The capacity factor counts as for one
     * expert a token: it is the compute that tokens share out among themselves.
     *
     * @param p the sum to reach, above 0 and at most 1
     * @param maxExperts the most experts a token
     * @param overflow what becomes of a choice that finds its expert full
     * @param exploration how training strays from the most probable experts
     */
    record TopP(
            @Setting(value = "0.5", help = "sum of probabilities at which a token has enough experts (top-p)")
            double p,

            @Setting(value = "2", help = "most experts a token (top-p)")
            int maxExperts,

            @Setting(value = "drop", help = "what becomes of a choice whose expert is full (top-k, top-p)")
            Overflow overflow,

            @Setting(help = "how training strays from the most probable experts (not for hash)")
            Exploration exploration)
            implements RouterConfig {
        public TopP {
            Contradictions.none(
                    found -> found.check(p > 0 && p <= 1, "router.p is " + p + " but must be above 0 and at most 1")
                            .atLeast(1, "router.max-experts", maxExperts));
        }

        @Override
        public int leastExperts() {
            return maxExperts;
        }

        @Override
        public int share() {
            return 1;
        }
    }

    /**
     * Each expert takes the tokens of a group that it suits best, as many as its capacity; the capacity factor is the experts
     * that a token has on average. What a token gets depends on all tokens of its group, later ones too: not for a decoder.
     *
     * @param exploration how training strays from the most probable experts; not by sampling
     */
    record ExpertChoice(
            @Setting(help = "how training strays from the most probable experts (not for hash)")
            Exploration exploration)
            implements RouterConfig {
        public ExpertChoice {
            Contradictions.none(found -> found.check(
                    !(exploration instanceof Exploration.Sample),
                    "router.exploration is sample but with expert-choice tokens choose nothing that could be sampled:"
                            + " take input-jitter, input-dropout or argmax"));
        }

        @Override
        public Overflow overflow() {
            return Overflow.DROP;
        }

        @Override
        public int leastExperts() {
            return 1;
        }

        @Override
        public int share() {
            return 1;
        }
    }

    /** The token's id decides, by a fixed table for each layer; nothing is learned and the gate is 1. */
    record Hash() implements RouterConfig {
        @Override
        public Overflow overflow() {
            return Overflow.DROP;
        }

        @Override
        public Exploration exploration() {
            return new Exploration.Argmax();
        }

        @Override
        public int leastExperts() {
            return 1;
        }

        @Override
        public int share() {
            return 1;
        }
    }
}
