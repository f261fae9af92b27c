package dev.sparkswitch.engine;

/**
 * What {@link Engine#route} is to do for one layer and batch shape.
 *
 * @param choices experts a token (k)
 * @param groups routing groups in the batch
 * @param groupTokens token positions a group, padding included
 * @param capacity slots an expert has in each group
 * @param balanceGroups the balance loss's own groups, of equal size: those of the routing, or one for the whole batch
 */
public record RoutingPlan(int choices, int groups, int groupTokens, int capacity, int balanceGroups) {
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
