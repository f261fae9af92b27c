package dev.sparkswitch.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.model.RouterConfig;

/**
 * One router in one step, over all ranks.
 *
 * @param name its layer's name
 * @param dropped the fraction of choices that found no slot; where experts choose, of tokens that none took
 * @param entropy mean entropy of the router's probabilities, nats
 * @param confidence mean of the largest probability
 * @param expertsPerToken experts that a routed token had, on average
 * @param experts the same by expert
 */
public record RouterMetrics(
        String name, double dropped, double entropy, double confidence, double expertsPerToken, Experts experts) {
    private static final double DIGITS = 1e6;

    /**
     * By expert, 0 where there is nothing to take a mean of.
     *
     * @param load the share of the routed tokens that prefer the expert, before capacity; sums to 1
     * @param taken the tokens that the expert took, over the routed tokens; sums to {@link #expertsPerToken}
     * @param dropped the fraction of the choices of this expert that found no slot; 0 where experts choose
     * @param entropy mean entropy over the tokens that prefer the expert, nats
     * @param confidence mean of the largest probability over the tokens that prefer the expert
     */
    public record Experts(double[] load, double[] taken, double[] dropped, double[] entropy, double[] confidence) {}

    /** Of the sums of {@link RoutingStatistics}. */
    static RouterMetrics of(String name, double[] sums, RouterConfig router) {
        int count = RoutingStatistics.experts(sums.length);
        double routed = Math.max(1, sums[RoutingStatistics.ROUTED]);
        Experts experts = new Experts(
                new double[count], new double[count], new double[count], new double[count], new double[count]);
        double kept = 0;
        for (int e = 0; e < count; e++) {
            double demand = sums[RoutingStatistics.DEMAND + e];
            double taken = sums[RoutingStatistics.kept(count) + e];
            double dropped = sums[RoutingStatistics.dropped(count) + e];
            kept += taken;
            experts.load[e] = demand / routed;
            experts.taken[e] = taken / routed;
            experts.dropped[e] = dropped / Math.max(1, taken + dropped);
            experts.entropy[e] = sums[RoutingStatistics.entropy(count) + e] / Math.max(1, demand);
            experts.confidence[e] = sums[RoutingStatistics.confidence(count) + e] / Math.max(1, demand);
        }
        double dropped = sums[RoutingStatistics.DROPPED];
        double asked = router instanceof RouterConfig.ExpertChoice ? routed : Math.max(1, kept + dropped);
        return new RouterMetrics(
                name,
                dropped / asked,
                sums[RoutingStatistics.ENTROPY] / routed,
                sums[RoutingStatistics.CONFIDENCE] / routed,
                kept / routed,
                experts);
    }

    /** Its part of a line of {@code metrics.jsonl}. */
    ObjectNode toJson() {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("name", name);
        add(node.putArray("load"), experts.load);
        node.put("dropped", dropped);
        node.put("entropy", entropy);
        node.put("confidence", confidence);
        node.put("experts-per-token", expertsPerToken);
        ObjectNode byExpert = node.putObject("experts");
        add(byExpert.putArray("taken"), experts.taken);
        add(byExpert.putArray("dropped"), experts.dropped);
        add(byExpert.putArray("entropy"), experts.entropy);
        add(byExpert.putArray("confidence"), experts.confidence);
        return node;
    }

    /** Rounded, for there are many of them. */
    private static void add(ArrayNode array, double[] values) {
        for (double value : values) {
            array.add(Math.round(value * DIGITS) / DIGITS);
        }
    }
}
