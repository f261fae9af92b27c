package dev.sparkswitch.engine;

/**
 * What {@link Engine#route} is to do for one layer and batch.
 *
 * @param policy who chooses whom
 * @param overflow what becomes of a choice that finds its expert full
 * @param sampling noise on the tokens' preferences
 * @param groups routing groups in the batch
 * @param groupTokens token positions a group, padding included
 * @param capacity slots an expert has in each group, the largest where they differ
 * @param balanceGroups the balance loss's own groups, of equal size: those of the routing, or one for the whole batch
 * @param shares what experts of different sizes differ in
 * @param precision what probabilities, and so gates and losses, are rounded to
 */
public record RoutingPlan(
        RoutingPolicy policy,
        Overflow overflow,
        Sampling sampling,
        int groups,
        int groupTokens,
        int capacity,
        int balanceGroups,
        ExpertShares shares,
        RouterPrecision precision) {
    public RoutingPlan {
        boolean byPreference = policy instanceof RoutingPolicy.TopK || policy instanceof RoutingPolicy.TopP;
        if (!byPreference && (overflow != Overflow.DROP || sampling.active())) {
            throw new IllegalArgumentException(policy + " has no second best to reroute to or sample from");
        }
        if (!byPreference && !shares.equal()) {
            throw new IllegalArgumentException(policy + " gives experts of all sizes the same number of tokens");
        }
    }

    /** Probabilities in the engine's router type. */
    public RoutingPlan(
            RoutingPolicy policy,
            Overflow overflow,
            Sampling sampling,
            int groups,
            int groupTokens,
            int capacity,
            int balanceGroups,
            ExpertShares shares) {
        this(policy, overflow, sampling, groups, groupTokens, capacity, balanceGroups, shares, RouterPrecision.FLOAT32);
    }

    /** Experts of one size. */
    public RoutingPlan(
            RoutingPolicy policy,
            Overflow overflow,
            Sampling sampling,
            int groups,
            int groupTokens,
            int capacity,
            int balanceGroups) {
        this(policy, overflow, sampling, groups, groupTokens, capacity, balanceGroups, ExpertShares.EQUAL);
    }

    /** Top-k without noise, overflow dropped. */
    public RoutingPlan(int choices, int groups, int groupTokens, int capacity, int balanceGroups) {
        this(
                new RoutingPolicy.TopK(choices),
                Overflow.DROP,
                Sampling.NONE,
                groups,
                groupTokens,
                capacity,
                balanceGroups);
    }

    /** The same plan with probabilities of another precision. */
    public RoutingPlan with(RouterPrecision other) {
        return new RoutingPlan(policy, overflow, sampling, groups, groupTokens, capacity, balanceGroups, shares, other);
    }

    /** The most experts that a token can have: the width of {@link Routing#slotsOfToken}. */
    public int choices() {
        return policy.choices();
    }

    /** Slots that one expert has in each group. */
    public int capacity(int expert) {
        return shares.capacity(expert, capacity);
    }

    /** Token positions in the batch. */
    public int tokens() {
        return groups * groupTokens;
    }

    /** Token positions of one group of the balance loss. */
    public int balanceTokens() {
        return tokens() / balanceGroups;
    }

    /** Slots an expert has in the batch. */
    public int slots() {
        return groups * capacity;
    }
}
