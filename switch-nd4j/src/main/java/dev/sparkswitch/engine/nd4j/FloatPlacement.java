package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** Which token sits in which slot: integers on the host, written to a routing's tensors at the end. */
final class FloatPlacement {
    private final Routing routing;
    private final RoutingPlan plan;
    private final int experts;
    private final int choices;
    private final int slots;
    private final int[] tokenOfSlot;
    private final int[] slotsOfToken;

    FloatPlacement(Routing routing) {
        this.routing = routing;
        this.plan = routing.plan();
        this.experts = routing.experts();
        this.choices = plan.choices();
        this.slots = plan.slots();
        this.tokenOfSlot = new int[experts * slots];
        this.slotsOfToken = new int[plan.tokens() * choices];
        Arrays.fill(tokenOfSlot, -1);
        Arrays.fill(slotsOfToken, -1);
    }

    /** Seats the choices [T, choices] of tokens; -1 is no choice. */
    void ofTokens(int[] chosen) {
        int[] taken = new int[experts];
        for (int group = 0; group < plan.groups(); group++) {
            int first = group * plan.groupTokens();
            Arrays.fill(taken, 0);
            for (int c = 0; c < choices; c++) {
                for (int t = first; t < first + plan.groupTokens(); t++) {
                    int expert = chosen[t * choices + c];
                    if (expert >= 0 && taken[expert] < plan.capacity(expert)) {
                        sit(t, c, expert, group, taken[expert]++);
                    }
                }
            }
            if (plan.overflow() == Overflow.REROUTE) {
                reroute(chosen, group, taken);
            }
        }
    }

    private void sit(int token, int choice, int expert, int group, int place) {
        int slot = expert * slots + group * plan.capacity() + place;
        tokenOfSlot[slot] = token;
        slotsOfToken[token * choices + choice] = slot;
    }

    /** Rounds in which every choice without a slot tries the expert that follows all that its token has named so far. */
    private void reroute(int[] chosen, int group, int[] taken) {
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatPreference preference = new FloatPreference(plan, experts, choices);
        float[] row = new float[experts];
        int first = group * plan.groupTokens();
        int[] last = new int[plan.groupTokens()];
        for (int i = 0; i < last.length; i++) {
            for (int c = 0; c < choices; c++) {
                // Choices are the head of the order, so that the last of them is where the search goes on.
                int expert = chosen[(first + i) * choices + c];
                last[i] = c == 0 || expert >= 0 ? expert : last[i];
            }
        }
        boolean searching = true;
        while (searching) {
            searching = false;
            for (int c = 0; c < choices; c++) {
                for (int i = 0; i < last.length; i++) {
                    int at = (first + i) * choices + c;
                    if (chosen[at] < 0 || slotsOfToken[at] >= 0 || last[i] < 0) {
                        continue;
                    }
                    probabilities.get((first + i) * experts, row);
                    last[i] = FloatPreference.after(preference.of(first + i, row), last[i]);
                    searching |= last[i] >= 0;
                    if (last[i] >= 0 && taken[last[i]] < plan.capacity(last[i])) {
                        sit(first + i, c, last[i], group, taken[last[i]]++);
                    }
                }
            }
        }
    }

    /** Seats the tokens that experts take among those with a first choice. */
    void ofExperts(RoutingPolicy.ExpertChoice policy, int[] firstChoice, HostThreads threads) {
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        long work = (long) plan.tokens() * experts * 8;
        threads.range(plan.groups() * experts, work, (from, to) -> {
            float[] wanted = new float[plan.groupTokens()];
            for (int i = from; i < to; i++) {
                take(policy, firstChoice, probabilities, i / experts, i % experts, wanted);
            }
        });
    }

    private void take(
            RoutingPolicy.ExpertChoice policy,
            int[] firstChoice,
            FloatBuffer probabilities,
            int group,
            int expert,
            float[] sorted) {
        int first = group * plan.groupTokens();
        int routed = 0;
        for (int t = first; t < first + plan.groupTokens(); t++) {
            if (firstChoice[t] >= 0) {
                sorted[routed++] = probabilities.get(t * experts + expert);
            }
        }
        int count = policy.tokens(routed, plan.capacity());
        if (count == 0) {
            return;
        }
        Arrays.sort(sorted, 0, routed);
        float least = sorted[routed - count];
        // Of the tokens that share the least probability only the first ones have room.
        int above = 0;
        while (above < count && sorted[routed - 1 - above] > least) {
            above++;
        }
        int ties = count - above;
        int place = 0;
        for (int t = first; t < first + plan.groupTokens() && place < count; t++) {
            float probability = firstChoice[t] >= 0 ? probabilities.get(t * experts + expert) : -1;
            if (probability > least || (probability == least && ties-- > 0)) {
                sit(t, expert, expert, group, place++);
            }
        }
    }

    /** Writes the tables, and the gate of every slot; returns the slots of tokens. */
    int[] finish(int[] chosen, HostThreads threads) {
        ((HostTensor) routing.tokenOfSlot()).ints().put(0, tokenOfSlot);
        ((HostTensor) routing.slotsOfToken()).ints().put(0, slotsOfToken);
        FloatBuffer probabilities = ((HostTensor) routing.probabilities()).floats();
        FloatBuffer gates = ((HostTensor) routing.gateOfSlot()).floats();
        gates.put(0, new float[experts * slots]);
        boolean shared = shared(plan);
        threads.range(plan.tokens(), (long) slotsOfToken.length * 8, (from, to) -> {
            for (int t = from; t < to; t++) {
                float sum = shared ? sum(probabilities, t, chosen) : 1;
                for (int c = 0; c < choices; c++) {
                    int slot = slotsOfToken[t * choices + c];
                    if (slot >= 0) {
                        gates.put(slot, probabilities.get(t * experts + slot / slots) / sum);
                    }
                }
            }
        });
        return slotsOfToken;
    }

    /** Whether gates are divided by their sum. */
    static boolean shared(RoutingPlan plan) {
        return plan.policy() instanceof RoutingPolicy.TopK top && top.k() > 1;
    }

    /** The expert of a choice: where it sits, or that it asked for where it was dropped; -1 for no choice. */
    static int expert(RoutingPlan plan, int slot, int chosen) {
        return slot >= 0 ? slot / plan.slots() : chosen;
    }

    /** The sum of the probabilities of a token's choices. */
    private float sum(FloatBuffer probabilities, int token, int[] chosen) {
        float sum = 0;
        for (int c = 0; c < choices; c++) {
            int at = token * choices + c;
            int expert = expert(plan, slotsOfToken[at], chosen[at]);
            sum += expert >= 0 ? probabilities.get(token * experts + expert) : 0;
        }
        return sum;
    }
}
