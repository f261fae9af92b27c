package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
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
    public void routerInput(HostTensor x, Dropout noise, HostTensor y) {
        int width = x.extent(-1);
        FloatBuffer in = x.floats();
        FloatBuffer out = y.floats();
        threads.range(x.rows(), x.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.jitter(row, noise, noise.element(0, r, width), width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void routerInputBackward(HostTensor dy, Dropout noise, HostTensor dx) {
        int width = dx.extent(-1);
        FloatBuffer in = dy.floats();
        FloatBuffer out = dx.floats();
        threads.range(dx.rows(), dx.size(), (from, to) -> {
            float[] row = new float[width];
            float[] sum = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.jitter(row, noise, noise.element(0, r, width), width);
                out.get(r * width, sum);
                FloatRows.addScaled(sum, 1, row, width);
                out.put(r * width, sum);
            }
        });
    }

    @Override
    public void route(HostTensor logits, HostTensor routed, Routing routing) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int tokens = plan.tokens();
        int choices = plan.choices();
        int[] takesPart = new int[tokens];
        routed.ints().get(0, takesPart);
        int[] chosen = new int[tokens * choices];
        float[] gates = new float[tokens * choices];
        FloatBuffer in = logits.floats();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer logSumExp = ((HostTensor) routing.logSumExp()).floats();
        threads.range(tokens, logits.size() * 4, (from, to) -> {
            float[] row = new float[experts];
            for (int t = from; t < to; t++) {
                if (takesPart[t] == 0) {
                    Arrays.fill(row, 0);
                    Arrays.fill(chosen, t * choices, (t + 1) * choices, -1);
                    logSumExp.put(t, 0);
                } else {
                    in.get(t * experts, row);
                    float max = FloatRows.max(row, experts);
                    float sum = FloatRows.expAndSum(row, max, experts);
                    FloatRows.scale(row, 1 / sum, experts);
                    logSumExp.put(t, (float) (max + Math.log(sum)));
                    choose(row, experts, chosen, gates, t * choices, choices);
                }
                probabilities.put(t * experts, row);
            }
        });
        assign(routing, chosen, gates);
        statistics(routing, chosen);
    }

    /** The {@code choices} most probable experts, ties to the lower one, and their gates. */
    private static void choose(float[] row, int experts, int[] chosen, float[] gates, int at, int choices) {
        float sum = 0;
        for (int c = 0; c < choices; c++) {
            int best = -1;
            for (int e = 0; e < experts; e++) {
                if ((best < 0 || row[e] > row[best]) && !contains(chosen, at, at + c, e)) {
                    best = e;
                }
            }
            chosen[at + c] = best;
            gates[at + c] = row[best];
            sum += row[best];
        }
        if (choices > 1) {
            for (int c = 0; c < choices; c++) {
                gates[at + c] /= sum;
            }
        }
    }

    private static boolean contains(int[] values, int from, int to, int value) {
        for (int i = from; i < to; i++) {
            if (values[i] == value) {
                return true;
            }
        }
        return false;
    }

    private static void assign(Routing routing, int[] chosen, float[] gates) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int choices = plan.choices();
        int slots = plan.slots();
        int[] tokenOfSlot = new int[experts * slots];
        float[] gateOfSlot = new float[experts * slots];
        int[] slotsOfToken = new int[plan.tokens() * choices];
        Arrays.fill(tokenOfSlot, -1);
        Arrays.fill(slotsOfToken, -1);
        int[] taken = new int[experts];
        for (int group = 0; group < plan.groups(); group++) {
            Arrays.fill(taken, 0);
            for (int c = 0; c < choices; c++) {
                for (int t = group * plan.groupTokens(); t < (group + 1) * plan.groupTokens(); t++) {
                    int expert = chosen[t * choices + c];
                    if (expert >= 0 && taken[expert] < plan.capacity()) {
                        int slot = expert * slots + group * plan.capacity() + taken[expert]++;
                        tokenOfSlot[slot] = t;
                        gateOfSlot[slot] = gates[t * choices + c];
                        slotsOfToken[t * choices + c] = slot;
                    }
                }
            }
        }
        ((HostTensor) routing.tokenOfSlot()).ints().put(0, tokenOfSlot);
        ((HostTensor) routing.gateOfSlot()).floats().put(0, gateOfSlot);
        ((HostTensor) routing.slotsOfToken()).ints().put(0, slotsOfToken);
    }

    private static void statistics(Routing routing, int[] chosen) {
        RoutingPlan plan = routing.plan();
        int experts = routing.experts();
        int choices = plan.choices();
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer logSumExp = ((HostTensor) routing.logSumExp()).floats();
        IntBuffer slotsOfToken = ((HostTensor) routing.slotsOfToken()).ints();
        IntBuffer firstChoice = ((HostTensor) routing.firstChoice()).ints();
        FloatBuffer demand = ((HostTensor) routing.demand()).floats();
        double[] sums = new double[RoutingStatistics.size(experts)];
        float[] row = new float[experts];
        for (int group = 0; group < plan.balanceGroups(); group++) {
            double[] importance = new double[experts];
            double[] first = new double[experts];
            int members = 0;
            for (int t = group * plan.balanceTokens(); t < (group + 1) * plan.balanceTokens(); t++) {
                int best = chosen[t * choices];
                firstChoice.put(t, best);
                if (best < 0) {
                    continue;
                }
                members++;
                first[best]++;
                probabilities.get(t * experts, row);
                double entropy = 0;
                for (int e = 0; e < experts; e++) {
                    importance[e] += row[e];
                    entropy -= row[e] > 0 ? row[e] * Math.log(row[e]) : 0;
                }
                double z = logSumExp.get(t);
                sums[RoutingStatistics.Z] += z * z;
                sums[RoutingStatistics.ENTROPY] += entropy;
                sums[RoutingStatistics.CONFIDENCE] += row[best];
                for (int c = 0; c < choices; c++) {
                    sums[RoutingStatistics.DROPPED] += slotsOfToken.get(t * choices + c) < 0 ? 1 : 0;
                }
            }
            sums[RoutingStatistics.ROUTED] += members;
            for (int e = 0; e < experts; e++) {
                double fraction = members == 0 ? 0 : first[e] / members;
                demand.put(group * experts + e, (float) fraction);
                sums[RoutingStatistics.DEMAND + e] += first[e];
                sums[RoutingStatistics.BALANCE] += members == 0 ? 0 : experts * fraction * importance[e] / members;
            }
        }
        FloatBuffer out = ((HostTensor) routing.statistics()).floats();
        for (int i = 0; i < sums.length; i++) {
            out.put(i, (float) sums[i]);
        }
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
        FloatBuffer gates = ((HostTensor) routing.gateOfSlot()).floats();
        IntBuffer slotsOfToken = ((HostTensor) routing.slotsOfToken()).ints();
        IntBuffer firstChoice = ((HostTensor) routing.firstChoice()).ints();
        FloatBuffer dGates = dGate.floats();
        FloatBuffer out = dLogits.floats();
        int[] members = new int[plan.balanceGroups()];
        for (int t = 0; t < plan.tokens(); t++) {
            members[t / plan.balanceTokens()] += firstChoice.get(t) >= 0 ? 1 : 0;
        }
        threads.range(plan.tokens(), dLogits.size() * 4, (from, to) -> {
            float[] probability = new float[experts];
            float[] gradient = new float[experts];
            int[] expertOf = new int[choices];
            for (int t = from; t < to; t++) {
                if (firstChoice.get(t) < 0) {
                    Arrays.fill(gradient, 0);
                    out.put(t * experts, gradient);
                    continue;
                }
                int group = t / plan.balanceTokens();
                probabilities.get(t * experts, probability);
                demand.get(group * experts, gradient);
                FloatRows.scale(gradient, (float) (balanceWeight * experts / members[group]), experts);
                if (choices == 1) {
                    int slot = slotsOfToken.get(t);
                    if (slot >= 0) {
                        gradient[slot / plan.slots()] += dGates.get(slot);
                    }
                } else {
                    addSharedGates(plan, t, probability, expertOf, slotsOfToken, gates, dGates, gradient);
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

    /** Gradients of p_c / sum of the chosen p: (dg_c - sum_j g_j dg_j) / sum, where a dropped choice has dg = 0. */
    private static void addSharedGates(
            RoutingPlan plan,
            int token,
            float[] probability,
            int[] expertOf,
            IntBuffer slotsOfToken,
            FloatBuffer gates,
            FloatBuffer dGates,
            float[] gradient) {
        int choices = plan.choices();
        int experts = probability.length;
        // The chosen experts again, dropped ones too, since they stand in the sum.
        float sum = 0;
        for (int c = 0; c < choices; c++) {
            int best = -1;
            for (int e = 0; e < experts; e++) {
                if ((best < 0 || probability[e] > probability[best]) && !contains(expertOf, 0, c, e)) {
                    best = e;
                }
            }
            expertOf[c] = best;
            sum += probability[best];
        }
        float projection = 0;
        for (int c = 0; c < choices; c++) {
            int slot = slotsOfToken.get(token * choices + c);
            projection += slot < 0 ? 0 : gates.get(slot) * dGates.get(slot);
        }
        for (int c = 0; c < choices; c++) {
            int slot = slotsOfToken.get(token * choices + c);
            float own = slot < 0 ? 0 : dGates.get(slot);
            gradient[expertOf[c]] += (own - projection) / sum;
        }
    }

    @Override
    public void dispatch(HostTensor x, Routing routing, HostTensor slots) {
        int width = x.extent(-1);
        IntBuffer tokenOfSlot = ((HostTensor) routing.tokenOfSlot()).ints();
        FloatBuffer in = x.floats();
        FloatBuffer out = slots.floats();
        threads.range(slots.rows(), slots.size(), (from, to) -> {
            float[] row = new float[width];
            float[] zeros = new float[width];
            for (int slot = from; slot < to; slot++) {
                int token = tokenOfSlot.get(slot);
                if (token < 0) {
                    out.put(slot * width, zeros);
                } else {
                    in.get(token * width, row);
                    out.put(slot * width, row);
                }
            }
        });
    }

    @Override
    public void gather(HostTensor slots, Routing routing, HostTensor gates, HostTensor y) {
        int width = y.extent(-1);
        int choices = routing.plan().choices();
        IntBuffer slotsOfToken = ((HostTensor) routing.slotsOfToken()).ints();
        FloatBuffer in = slots.floats();
        FloatBuffer factors = gates == null ? null : gates.floats();
        FloatBuffer out = y.floats();
        threads.range(y.rows(), y.size(), (from, to) -> {
            float[] row = new float[width];
            float[] sum = new float[width];
            for (int t = from; t < to; t++) {
                Arrays.fill(sum, 0);
                for (int c = 0; c < choices; c++) {
                    int slot = slotsOfToken.get(t * choices + c);
                    if (slot >= 0) {
                        in.get(slot * width, row);
                        FloatRows.addScaled(sum, factors == null ? 1 : factors.get(slot), row, width);
                    }
                }
                out.put(t * width, sum);
            }
        });
    }

    @Override
    public void combineBackward(HostTensor dy, HostTensor slots, Routing routing, HostTensor dSlots, HostTensor dGate) {
        int width = dy.extent(-1);
        IntBuffer tokenOfSlot = ((HostTensor) routing.tokenOfSlot()).ints();
        FloatBuffer gates = ((HostTensor) routing.gateOfSlot()).floats();
        FloatBuffer gradients = dy.floats();
        FloatBuffer in = slots.floats();
        FloatBuffer out = dSlots.floats();
        FloatBuffer outGates = dGate.floats();
        threads.range(slots.rows(), slots.size() * 2, (from, to) -> {
            float[] row = new float[width];
            float[] result = new float[width];
            float[] zeros = new float[width];
            for (int slot = from; slot < to; slot++) {
                int token = tokenOfSlot.get(slot);
                if (token < 0) {
                    out.put(slot * width, zeros);
                    outGates.put(slot, 0);
                } else {
                    gradients.get(token * width, row);
                    in.get(slot * width, result);
                    outGates.put(slot, FloatRows.dot(row, result, width));
                    FloatRows.scale(row, gates.get(slot), width);
                    out.put(slot * width, row);
                }
            }
        });
    }
}
