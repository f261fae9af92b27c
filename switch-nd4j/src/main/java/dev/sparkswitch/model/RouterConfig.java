package dev.sparkswitch.model;

/**
 * How a router chooses.
 *
 * @param policy how tokens find their experts
 * @param k the experts a token is sent to, at least 1; the gate is the expert's probability for 1, and for more the
 *     probabilities divided by the sum over the token's choices
 */
public record RouterConfig(RoutingPolicy policy, int k) {
    /** The Switch Transformer's own: one expert a token. */
    public static final RouterConfig TOP_1 = new RouterConfig(RoutingPolicy.TOP_K, 1);

    public RouterConfig {
        Contradictions.none(found -> found.atLeast(1, "router.k", k));
    }
}
