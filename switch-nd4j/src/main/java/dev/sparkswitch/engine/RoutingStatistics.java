package dev.sparkswitch.engine;

/**
 * The layout of a routing's vector of statistics: sums over tokens and groups, so that vectors of micro-batches and ranks
 * add up.
 */
public final class RoutingStatistics {
    /** Sum over groups of E * sum_i f_i P_i (Switch Transformer, equation 4, without alpha). */
    public static final int BALANCE = 0;
    /** Sum over routed tokens of logsumexp(logits)^2 (ST-MoE, equation 5, without the mean). */
    public static final int Z = 1;
    /** Routed tokens. */
    public static final int ROUTED = 2;
    /** Choices that found no slot. */
    public static final int DROPPED = 3;
    /** Sum over routed tokens of the entropy of their router probabilities, nats. */
    public static final int ENTROPY = 4;
    /** Sum over routed tokens of their largest router probability. */
    public static final int CONFIDENCE = 5;
    /** First of E entries: first choices an expert got, before capacity. */
    public static final int DEMAND = 6;

    private RoutingStatistics() {}

    /** Entries of the vector of a layer with {@code experts} experts. */
    public static int size(int experts) {
        return DEMAND + experts;
    }
}
