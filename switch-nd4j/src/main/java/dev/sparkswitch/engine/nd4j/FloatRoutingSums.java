package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import java.nio.FloatBuffer;

/** A routing's demand and {@link RoutingStatistics}, added up in token order in float64. */
final class FloatRoutingSums {
    private FloatRoutingSums() {}

    /** Writes both; {@code entropies} are those of the tokens [T]. */
    static void write(Routing routing, int[] chosen, int[] firstChoice, int[] slotsOfToken, double[] entropies) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer logSumExp = ((HostTensor) routing.logSumExp()).floats();
        FloatBuffer demand = ((HostTensor) routing.demand()).floats();
        double[] sums = new double[RoutingStatistics.size(experts)];
        float[] row = new float[experts];
        for (int group = 0; group < plan.balanceGroups(); group++) {
            double[] importance = new double[experts];
            double[] first = new double[experts];
            int members = 0;
            for (int t = group * plan.balanceTokens(); t < (group + 1) * plan.balanceTokens(); t++) {
                int preferred = firstChoice[t];
                if (preferred < 0) {
                    continue;
                }
                members++;
                first[preferred]++;
                probabilities.get(t * experts, row);
                for (int e = 0; e < experts; e++) {
                    importance[e] += row[e];
                }
                double z = logSumExp.get(t);
                double confidence = FloatRows.max(row, experts);
                sums[RoutingStatistics.Z] += z * z;
                sums[RoutingStatistics.ENTROPY] += entropies[t];
                sums[RoutingStatistics.CONFIDENCE] += confidence;
                sums[RoutingStatistics.entropy(experts) + preferred] += entropies[t];
                sums[RoutingStatistics.confidence(experts) + preferred] += confidence;
                seats(plan, experts, t, chosen, slotsOfToken, sums);
            }
            sums[RoutingStatistics.ROUTED] += members;
            for (int e = 0; e < experts; e++) {
                double fraction = members == 0 ? 0 : first[e] / members;
                demand.put(group * experts + e, (float) fraction);
                sums[RoutingStatistics.DEMAND + e] += first[e];
                if (members > 0 && plan.policy().balanced()) {
                    double weight = experts * plan.shares().weight(e);
                    sums[RoutingStatistics.BALANCE] += weight * fraction * importance[e] / members;
                }
            }
        }
        FloatBuffer out = ((HostTensor) routing.statistics()).floats();
        for (int i = 0; i < sums.length; i++) {
            out.put(i, (float) sums[i]);
        }
    }

    /** Counts a token's slots, and its choices that found none. */
    private static void seats(
            RoutingPlan plan, int experts, int token, int[] chosen, int[] slotsOfToken, double[] sums) {
        boolean byExperts = plan.policy() instanceof RoutingPolicy.ExpertChoice;
        boolean any = false;
        for (int c = 0; c < plan.choices(); c++) {
            int slot = slotsOfToken[token * plan.choices() + c];
            if (slot >= 0) {
                any = true;
                sums[RoutingStatistics.kept(experts) + slot / plan.slots()]++;
            } else if (!byExperts && chosen[token * plan.choices() + c] >= 0) {
                sums[RoutingStatistics.DROPPED]++;
                sums[RoutingStatistics.dropped(experts) + chosen[token * plan.choices() + c]]++;
            }
        }
        if (byExperts && !any) {
            sums[RoutingStatistics.DROPPED]++;
        }
    }
}
