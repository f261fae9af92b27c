package dev.sparkswitch.engine;

/**
 * The layout of a routing's vector of statistics: sums over tokens and groups, so that vectors of micro-batches and ranks
 * add up. Six sums are followed by five blocks of one entry an expert.
 */
public final class RoutingStatistics {
    /**
     * Sum over groups of E * sum_i f_i P_i (Switch Transformer, equation 4, without alpha); 0 where the policy is not
     * {@link RoutingPolicy#balanced}.
     */
    public static final int BALANCE = 0;
    /** Sum over routed tokens of logsumexp(logits)^2 (ST-MoE, equation 5, without the mean). */
    public static final int Z = 1;
    /** Routed tokens. */
    public static final int ROUTED = 2;
    /** Choices that found no slot; where experts choose, routed tokens that none took. */
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
        return DEMAND + 5 * experts;
    }

    /** The experts of the layer that a vector of {@code size} entries belongs to. */
    public static int experts(int size) {
        return (size - DEMAND) / 5;
    }

    /** First of E entries: slots of an expert that hold a token. */
    public static int kept(int experts) {
        return DEMAND + experts;
    }

    /** First of E entries: the {@link #DROPPED} choices by the expert that was chosen first; 0 where experts choose. */
    public static int dropped(int experts) {
        return DEMAND + 2 * experts;
    }

    /** First of E entries: {@link #ENTROPY} over the tokens whose first choice is the expert. */
    public static int entropy(int experts) {
        return DEMAND + 3 * experts;
    }

    /** First of E entries: {@link #CONFIDENCE} over the tokens whose first choice is the expert. */
    public static int confidence(int experts) {
        return DEMAND + 4 * experts;
    }
}
