package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingStatistics;
import java.util.Arrays;

/** {@link dev.sparkswitch.engine.Engine#route} as its documentation states it. */
final class ReferenceRouting {
    final RoutingPlan plan;
    final int[] routed;
    final Grid probabilities;
    final Grid logSumExp;
    final int[] tokenOfSlot;
    final Grid gateOfSlot;
    final int[] slotsOfToken;
    final int[] firstChoice;
    final double[] demand;
    final double[] statistics;
    Real balance = Real.ZERO;
    Real z = Real.ZERO;

    private final int experts;
    private final int[][] chosen;

    ReferenceRouting(RoutingPlan plan, Grid logits, int[] routed) {
        this.plan = plan;
        this.routed = routed;
        this.experts = logits.extent(1);
        int tokens = plan.groups() * plan.groupTokens();
        int slots = experts * plan.groups() * plan.capacity();
        this.probabilities = Grid.zeros(tokens, experts);
        this.logSumExp = Grid.zeros(tokens);
        this.tokenOfSlot = new int[slots];
        this.gateOfSlot = Grid.zeros(experts, plan.groups() * plan.capacity());
        this.slotsOfToken = new int[tokens * plan.choices()];
        this.firstChoice = new int[tokens];
        this.demand = new double[plan.balanceGroups() * experts];
        this.statistics = new double[RoutingStatistics.size(experts)];
        this.chosen = new int[tokens][];
        Arrays.fill(tokenOfSlot, -1);
        Arrays.fill(slotsOfToken, -1);
        Arrays.fill(firstChoice, -1);
        boolean[] all = new boolean[experts];
        Arrays.fill(all, true);
        for (int t = 0; t < tokens; t++) {
            if (routed[t] != 0) {
                Real[] row = Arrays.copyOfRange(logits.values(), t * experts, (t + 1) * experts);
                System.arraycopy(Reference.softmax(row, all), 0, probabilities.values(), t * experts, experts);
                logSumExp.values()[t] = Reference.logSumExp(logits, t);
                chosen[t] = choose(t);
                firstChoice[t] = chosen[t][0];
            }
        }
        for (int group = 0; group < plan.groups(); group++) {
            assign(group);
        }
        for (int group = 0; group < plan.balanceGroups(); group++) {
            losses(group, tokens / plan.balanceGroups());
        }
        statistics[RoutingStatistics.BALANCE] = balance.value();
        statistics[RoutingStatistics.Z] = z.value();
    }

    /** The most probable experts in turn, the lower of two equal ones first. */
    private int[] choose(int token) {
        int[] experts = new int[plan.choices()];
        boolean[] taken = new boolean[this.experts];
        for (int c = 0; c < experts.length; c++) {
            experts[c] = -1;
            for (int e = 0; e < this.experts; e++) {
                if (!taken[e]
                        && (experts[c] < 0
                                || probability(token, e).value()
                                        > probability(token, experts[c]).value())) {
                    experts[c] = e;
                }
            }
            taken[experts[c]] = true;
        }
        return experts;
    }

    private Real probability(int token, int expert) {
        return probabilities.at(token, expert);
    }

    private void assign(int group) {
        int[] load = new int[experts];
        for (int c = 0; c < plan.choices(); c++) {
            for (int t = group * plan.groupTokens(); t < (group + 1) * plan.groupTokens(); t++) {
                if (chosen[t] == null) {
                    continue;
                }
                int expert = chosen[t][c];
                if (load[expert] == plan.capacity()) {
                    statistics[RoutingStatistics.DROPPED]++;
                    continue;
                }
                int slot = (expert * plan.groups() + group) * plan.capacity() + load[expert]++;
                tokenOfSlot[slot] = t;
                slotsOfToken[t * plan.choices() + c] = slot;
                gateOfSlot.values()[slot] = gate(t, c);
            }
        }
    }

    private Real gate(int token, int choice) {
        Real own = probability(token, chosen[token][choice]);
        if (plan.choices() == 1) {
            return own;
        }
        Real sum = Real.ZERO;
        for (int expert : chosen[token]) {
            sum = sum.plus(probability(token, expert));
        }
        return own.over(sum);
    }

    private void losses(int group, int size) {
        Real[] importance = new Real[experts];
        Arrays.fill(importance, Real.ZERO);
        double[] first = new double[experts];
        int members = 0;
        for (int t = group * size; t < (group + 1) * size; t++) {
            if (chosen[t] == null) {
                continue;
            }
            members++;
            first[firstChoice[t]]++;
            z = z.plus(logSumExp.values()[t].square());
            for (int e = 0; e < experts; e++) {
                double p = probability(t, e).value();
                importance[e] = importance[e].plus(probability(t, e));
                statistics[RoutingStatistics.ENTROPY] -= p > 0 ? p * Math.log(p) : 0;
            }
            statistics[RoutingStatistics.CONFIDENCE] +=
                    probability(t, firstChoice[t]).value();
        }
        statistics[RoutingStatistics.ROUTED] += members;
        if (members == 0) {
            return;
        }
        for (int e = 0; e < experts; e++) {
            double f = first[e] / members;
            demand[group * experts + e] = f;
            statistics[RoutingStatistics.DEMAND + e] += first[e];
            balance = balance.plus(importance[e].times(1.0 / members).times(experts * f));
        }
    }

    /** The tokens in their slots; zeros in empty ones. */
    Grid dispatch(Grid x) {
        Grid slots = Grid.zeros(experts, plan.groups() * plan.capacity(), x.extent(-1));
        for (int slot = 0; slot < tokenOfSlot.length; slot++) {
            for (int j = 0; tokenOfSlot[slot] >= 0 && j < x.extent(-1); j++) {
                slots.set(slot, j, x.at(tokenOfSlot[slot], j));
            }
        }
        return slots;
    }

    /** Sums over each token's slots, weighted by the gates. */
    Grid combine(Grid slots, Grid gates) {
        Grid y = Grid.zeros(plan.groups() * plan.groupTokens(), slots.extent(-1));
        for (int slot = 0; slot < tokenOfSlot.length; slot++) {
            for (int j = 0; tokenOfSlot[slot] >= 0 && j < slots.extent(-1); j++) {
                int t = tokenOfSlot[slot];
                y.set(t, j, y.at(t, j).plus(slots.at(slot, j).times(gates.values()[slot])));
            }
        }
        return y;
    }
}
