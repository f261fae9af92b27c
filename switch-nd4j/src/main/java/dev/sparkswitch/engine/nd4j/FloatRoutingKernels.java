package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** {@link RoutingKernels} in float32. */
final class FloatRoutingKernels implements RoutingKernels {
    private final HostThreads threads;

    FloatRoutingKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void route(HostTensor scores, HostTensor routed, Routing routing) {
        RoutingPlan plan = routing.plan();
        int tokens = plan.tokens();
        int[] takesPart = new int[tokens];
        routed.ints().get(0, takesPart);
        double[] entropies = new double[tokens];
        boolean given = plan.policy() instanceof RoutingPolicy.Hash;
        if (given) {
            certain(scores, takesPart, routing);
        } else {
            softmax(scores, takesPart, routing, entropies);
        }
        int[] firstChoice = new int[tokens];
        FloatPlacement placement = new FloatPlacement(routing);
        int[] chosen;
        if (plan.policy() instanceof RoutingPolicy.ExpertChoice policy) {
            chosen = firstChoice;
            choose(routing, takesPart, 1, firstChoice);
            placement.ofExperts(policy, firstChoice, threads);
        } else {
            chosen = new int[tokens * plan.choices()];
            choose(routing, takesPart, plan.choices(), chosen);
            for (int t = 0; t < tokens; t++) {
                firstChoice[t] = chosen[t * plan.choices()];
            }
            placement.ofTokens(chosen);
        }
        ((HostTensor) routing.firstChoice()).ints().put(0, firstChoice);
        int[] slotsOfToken = placement.finish(chosen, threads);
        FloatRoutingSums.write(routing, chosen, firstChoice, slotsOfToken, entropies);
    }

    private void softmax(HostTensor logits, int[] takesPart, Routing routing, double[] entropies) {
        int experts = routing.experts();
        FloatBuffer in = logits.floats();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer logSumExp = ((HostTensor) routing.logSumExp()).floats();
        boolean rounded = routing.plan().precision() == RouterPrecision.BF16;
        threads.range(takesPart.length, logits.size() * 4, (from, to) -> {
            float[] row = new float[experts];
            for (int t = from; t < to; t++) {
                if (takesPart[t] == 0) {
                    Arrays.fill(row, 0);
                    logSumExp.put(t, 0);
                } else {
                    in.get(t * experts, row);
                    float max = FloatRows.max(row, experts);
                    float sum = FloatRows.expAndSum(row, max, experts);
                    FloatRows.scale(row, 1 / sum, experts);
                    float z = (float) (max + Math.log(sum));
                    if (rounded) {
                        FloatRows.roundToBf16(row, experts);
                        z = Bf16.nearest(z);
                    }
                    logSumExp.put(t, z);
                    for (int e = 0; e < experts; e++) {
                        entropies[t] -= row[e] > 0 ? row[e] * Math.log(row[e]) : 0;
                    }
                }
                probabilities.put(t * experts, row);
            }
        });
    }

    /** Probability 1 for the expert that is given. */
    private void certain(HostTensor given, int[] takesPart, Routing routing) {
        int experts = routing.experts();
        IntBuffer expertOf = given.ints();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        ((HostTensor) routing.logSumExp()).floats().put(0, new float[takesPart.length]);
        float[] row = new float[experts];
        for (int t = 0; t < takesPart.length; t++) {
            Arrays.fill(row, 0);
            if (takesPart[t] != 0) {
                row[expertOf.get(t)] = 1;
            }
            probabilities.put(t * experts, row);
        }
    }

    /** The first {@code width} choices of every token [T, width]; -1 for those of tokens that take no part. */
    private void choose(Routing routing, int[] takesPart, int width, int[] chosen) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        threads.range(takesPart.length, (long) takesPart.length * experts, (from, to) -> {
            float[] row = new float[experts];
            FloatPreference preference = new FloatPreference(plan, experts, width);
            for (int t = from; t < to; t++) {
                if (takesPart[t] == 0) {
                    Arrays.fill(chosen, t * width, (t + 1) * width, -1);
                } else {
                    probabilities.get(t * experts, row);
                    preference.choose(t, row, chosen, t * width);
                }
            }
        });
    }

    @Override
    public void routeBackward(
            Routing routing, HostTensor dGate, double balanceWeight, double zWeight, HostTensor dLogits) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int choices = plan.choices();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer logSumExp = ((HostTensor) routing.logSumExp()).floats();
        FloatBuffer demand = ((HostTensor) routing.demand()).floats();
        FloatBuffer dGates = dGate.floats();
        FloatBuffer out = dLogits.floats();
        int[] slotsOfToken = new int[plan.tokens() * choices];
        ((HostTensor) routing.slotsOfToken()).ints().get(0, slotsOfToken);
        int[] firstChoice = new int[plan.tokens()];
        ((HostTensor) routing.firstChoice()).ints().get(0, firstChoice);
        int[] members = new int[plan.balanceGroups()];
        for (int t = 0; t < plan.tokens(); t++) {
            members[t / plan.balanceTokens()] += firstChoice[t] >= 0 ? 1 : 0;
        }
        double balance = plan.policy().balanced() ? balanceWeight : 0;
        boolean shared = FloatPlacement.shared(plan);
        threads.range(plan.tokens(), dLogits.size() * 4, (from, to) -> {
            float[] probability = new float[experts];
            float[] gradient = new float[experts];
            FloatPreference preference = new FloatPreference(plan, experts, choices);
            int[] chosen = new int[choices];
            for (int t = from; t < to; t++) {
                if (firstChoice[t] < 0) {
                    Arrays.fill(gradient, 0);
                    out.put(t * experts, gradient);
                    continue;
                }
                int group = t / plan.balanceTokens();
                probabilities.get(t * experts, probability);
                demand.get(group * experts, gradient);
                FloatRows.scale(gradient, (float) (balance * experts / members[group]), experts);
                if (!plan.shares().equal()) {
                    for (int e = 0; e < experts; e++) {
                        gradient[e] *= (float) plan.shares().weight(e);
                    }
                }
                if (shared) {
                    // The chosen experts again: those that were full stand in the sum too.
                    preference.choose(t, probability, chosen, 0);
                    addSharedGates(plan, t, probability, chosen, slotsOfToken, dGates, gradient);
                } else {
                    for (int c = 0; c < choices; c++) {
                        int slot = slotsOfToken[t * choices + c];
                        if (slot >= 0) {
                            gradient[slot / plan.slots()] += dGates.get(slot);
                        }
                    }
                }
                float projection = FloatRows.dot(gradient, probability, experts);
                float z = (float) (2 * zWeight * logSumExp.get(t));
                for (int e = 0; e < experts; e++) {
                    gradient[e] = probability[e] * (gradient[e] - projection + z);
                }
                out.put(t * experts, gradient);
            }
        });
    }

    /** Gradients of p_c / sum of the token's p: (dg_c - sum_j g_j dg_j) / sum, where a dropped choice has dg = 0. */
    private static void addSharedGates(
            RoutingPlan plan,
            int token,
            float[] probability,
            int[] chosen,
            int[] slotsOfToken,
            FloatBuffer dGates,
            float[] gradient) {
        int choices = plan.choices();
        float sum = 0;
        float weighted = 0;
        for (int c = 0; c < choices; c++) {
            int slot = slotsOfToken[token * choices + c];
            int expert = FloatPlacement.expert(plan, slot, chosen[c]);
            if (expert >= 0) {
                sum += probability[expert];
                weighted += slot < 0 ? 0 : probability[expert] * dGates.get(slot);
            }
        }
        float projection = weighted / sum;
        for (int c = 0; c < choices; c++) {
            int slot = slotsOfToken[token * choices + c];
            int expert = FloatPlacement.expert(plan, slot, chosen[c]);
            if (expert >= 0) {
                gradient[expert] += ((slot < 0 ? 0 : dGates.get(slot)) - projection) / sum;
            }
        }
    }
}
