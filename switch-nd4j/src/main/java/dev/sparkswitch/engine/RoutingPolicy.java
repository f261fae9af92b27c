package dev.sparkswitch.engine;

/**
 * Who chooses whom, and with which gate. P is the softmax of the router's logits; gates are probabilities as they are unless
 * said otherwise.
 */
public sealed interface RoutingPolicy {
    /** The most experts that a token can have: the width of {@link Routing#slotsOfToken}. */
    int choices();

    /** Whether the balance loss applies: tokens choose by probabilities that the router can change. */
    boolean balanced();

    /**
     * A token takes the k experts of the largest P (k = 1: Switch Transformer, equation 2; else Shazeer et al. 2017 as GShard
     * has it). For k above 1 the gates are divided by the sum of P over the token's choices, dropped ones included.
     *
     * @param k experts a token, at least 1
     */
    record TopK(int k) implements RoutingPolicy {
        public TopK {
            if (k < 1) {
                throw new IllegalArgumentException("k must be at least 1: " + k);
            }
        }

        @Override
        public int choices() {
            return k;
        }

        @Override
        public boolean balanced() {
            return true;
        }
    }

    /**
     * A token takes experts in the order of P until their probabilities add up to p (Huang et al. 2024, "Harder tasks need more
     * experts", section 3.2): one where the router is sure, more where it is not.
     *
     * @param p the sum to reach, in (0, 1]
     * @param max the most experts a token, at least 1
     */
    record TopP(double p, int max) implements RoutingPolicy {
        public TopP {
            if (!(p > 0 && p <= 1) || max < 1) {
                throw new IllegalArgumentException("p must lie in (0, 1] and max be at least 1: " + p + ", " + max);
            }
        }

        @Override
        public int choices() {
            return max;
        }

        @Override
        public boolean balanced() {
            return true;
        }
    }

    /**
     * An expert takes the tokens of each group with the largest P for it (Zhou et al. 2022, "Mixture-of-experts with expert
     * choice routing", equation 1), ties to the earlier token, and holds them in token order. Of n routed tokens it takes
     * {@link #tokens}; a token may have any number of experts, none included.
     *
     * @param experts E
     * @param factor experts a token on average
     * @param least the least that an expert takes, where the group has so many
     */
    record ExpertChoice(int experts, double factor, int least) implements RoutingPolicy {
        /** {@code max(least, (int) (factor * routed / experts))}, at most {@code routed} and at most {@code capacity}. */
        public int tokens(int routed, int capacity) {
            int wanted = Math.max(least, (int) (factor * routed / experts));
            return Math.min(Math.min(routed, capacity), wanted);
        }

        @Override
        public int choices() {
            return experts;
        }

        @Override
        public boolean balanced() {
            return false;
        }
    }

    /**
     * The expert of each token is given, not chosen; its gate is 1 (Roller et al. 2021, "Hash layers").
     *
     * @param experts E
     */
    record Hash(int experts) implements RoutingPolicy {
        @Override
        public int choices() {
            return 1;
        }

        @Override
        public boolean balanced() {
            return false;
        }
    }
}
