package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Overflow;
import dev.sparkswitch.engine.RouterPrecision;
import dev.sparkswitch.engine.RoutingPlan;
import dev.sparkswitch.engine.RoutingPolicy;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Sampling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** {@link dev.sparkswitch.engine.Engine#route} as its documentation states it. */
final class ReferenceRouting {
    final RoutingPlan plan;
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
    /** The choices of each token that takes part, best first. */
    private final int[][] chosen;

    private final boolean[] routed;

    ReferenceRouting(RoutingPlan plan, Grid logits, int[] routed) {
        this(plan, logits.extent(1), routed);
        boolean[] all = new boolean[experts];
        Arrays.fill(all, true);
        for (int t = 0; t < routed.length; t++) {
            if (routed[t] != 0) {
                Real[] row = Arrays.copyOfRange(logits.values(), t * experts, (t + 1) * experts);
                System.arraycopy(Reference.softmax(row, all), 0, probabilities.values(), t * experts, experts);
                logSumExp.values()[t] = Reference.logSumExp(logits, t);
                if (plan.precision() == RouterPrecision.BF16) {
                    round(t);
                }
            }
        }
        finish();
    }

    /** What a token's numbers become, which have no derivatives by logits then: see {@link #logitGradient}. */
    private void round(int t) {
        for (int e = 0; e < experts; e++) {
            probabilities.set(
                    t,
                    e,
                    Real.variable(Reference.nearestBfloat16(probability(t, e).value())));
        }
        logSumExp.values()[t] = Real.variable(Reference.nearestBfloat16(logSumExp.values()[t].value()));
    }

    /**
     * The gradient of the logits, once all was differentiated. Of rounded numbers it is that of a softmax whose results they
     * are: p_i (g_i - sum_j p_j g_j), and p_i times that of the logsumexp.
     */
    double[] logitGradient(Grid logits) {
        if (plan.precision() == RouterPrecision.FLOAT32) {
            return logits.derivatives();
        }
        double[] gradient = new double[logits.values().length];
        for (int t = 0; t < routed.length; t++) {
            double mean = 0;
            for (int e = 0; e < experts; e++) {
                mean += probability(t, e).value() * probability(t, e).derivative();
            }
            for (int e = 0; routed[t] && e < experts; e++) {
                double pull = probability(t, e).derivative() - mean + logSumExp.values()[t].derivative();
                gradient[t * experts + e] = probability(t, e).value() * pull;
            }
        }
        return gradient;
    }

    /** A routing whose experts are given. */
    ReferenceRouting(RoutingPlan plan, int experts, int[] given, int[] routed) {
        this(plan, experts, routed);
        for (int t = 0; t < routed.length; t++) {
            if (routed[t] != 0) {
                probabilities.set(t, given[t], Real.constant(1));
            }
        }
        finish();
    }

    private ReferenceRouting(RoutingPlan plan, int experts, int[] routed) {
        this.plan = plan;
        this.experts = experts;
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
        this.routed = new boolean[tokens];
        Arrays.fill(tokenOfSlot, -1);
        Arrays.fill(slotsOfToken, -1);
        Arrays.fill(firstChoice, -1);
        for (int t = 0; t < tokens; t++) {
            this.routed[t] = routed[t] != 0;
        }
    }

    private void finish() {
        int tokens = plan.groups() * plan.groupTokens();
        for (int t = 0; t < tokens; t++) {
            if (routed[t]) {
                firstChoice[t] = order(t).get(0);
            }
        }
        for (int group = 0; group < plan.groups(); group++) {
            if (plan.policy() instanceof RoutingPolicy.ExpertChoice policy) {
                expertsChoose(policy, group);
            } else {
                tokensChoose(group);
            }
        }
        for (int group = 0; group < plan.balanceGroups(); group++) {
            losses(group, tokens / plan.balanceGroups());
        }
        statistics[RoutingStatistics.BALANCE] = balance.value();
        statistics[RoutingStatistics.Z] = z.value();
    }

    private Real probability(int token, int expert) {
        return probabilities.at(token, expert);
    }

    /** All experts as the token prefers them, the lower of two equal ones first. */
    private List<Integer> order(int token) {
        Comparator<Integer> byPreference = Comparator.comparingDouble(expert -> -preference(token, expert));
        return IntStream.range(0, experts)
                .boxed()
                .sorted(byPreference.thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    private double preference(int token, int expert) {
        double p = probability(token, expert).value();
        Sampling sampling = plan.sampling();
        if (sampling.source() == null) {
            return p;
        }
        long element = (sampling.firstToken() + token) * experts + expert;
        double uniform = (Integer.toUnsignedLong(sampling.source().bits(element)) + 0.5) / 4294967296.0;
        return Math.log(p) - Math.log(-Math.log(uniform));
    }

    /** Experts in order: as many as there are choices, or until their probabilities add up to enough. */
    private int[] choose(int token) {
        List<Integer> experts = new ArrayList<>();
        double sum = 0;
        for (int expert : order(token)) {
            boolean enough = plan.policy() instanceof RoutingPolicy.TopP policy && sum >= policy.p();
            if (experts.size() < plan.choices() && !enough) {
                experts.add(expert);
                sum += probability(token, expert).value();
            }
        }
        return experts.stream().mapToInt(i -> i).toArray();
    }

    private void tokensChoose(int group) {
        int first = group * plan.groupTokens();
        int[] load = new int[experts];
        List<Set<Integer>> named = new ArrayList<>();
        for (int t = first; t < first + plan.groupTokens(); t++) {
            chosen[t] = routed[t] ? choose(t) : new int[0];
            named.add(Arrays.stream(chosen[t]).boxed().collect(Collectors.toCollection(HashSet::new)));
        }
        // Round 0 seats the choices themselves, later rounds what else a token without a seat would take.
        int rounds = plan.overflow() == Overflow.REROUTE ? experts : 1;
        for (int round = 0; round < rounds; round++) {
            for (int c = 0; c < plan.choices(); c++) {
                for (int t = first; t < first + plan.groupTokens(); t++) {
                    if (c >= chosen[t].length || slotsOfToken[t * plan.choices() + c] >= 0) {
                        continue;
                    }
                    int expert = chosen[t][c];
                    if (round > 0) {
                        Set<Integer> before = named.get(t - first);
                        expert = order(t).stream()
                                .filter(other -> !before.contains(other))
                                .findFirst()
                                .orElse(-1);
                        before.add(expert);
                    }
                    if (expert >= 0 && load[expert] < plan.capacity(expert)) {
                        sit(t, c, expert, group, load[expert]++);
                    }
                }
            }
        }
        for (int t = first; t < first + plan.groupTokens(); t++) {
            for (int c = 0; c < chosen[t].length; c++) {
                int slot = slotsOfToken[t * plan.choices() + c];
                if (slot < 0) {
                    statistics[RoutingStatistics.DROPPED]++;
                    statistics[RoutingStatistics.dropped(experts) + chosen[t][c]]++;
                } else {
                    gateOfSlot.values()[slot] = gate(t, slot);
                }
            }
        }
    }

    private void expertsChoose(RoutingPolicy.ExpertChoice policy, int group) {
        int first = group * plan.groupTokens();
        List<Integer> members = IntStream.range(first, first + plan.groupTokens())
                .filter(t -> routed[t])
                .boxed()
                .toList();
        int wanted = Math.max(policy.least(), (int) Math.floor(policy.factor() * members.size() / experts));
        Set<Integer> seen = new HashSet<>();
        for (int expert = 0; expert < experts; expert++) {
            int own = expert;
            List<Integer> taken = members.stream()
                    .sorted(Comparator.comparingDouble(t -> -probability(t, own).value()))
                    .limit(Math.min(wanted, plan.capacity()))
                    .sorted()
                    .toList();
            for (int place = 0; place < taken.size(); place++) {
                sit(taken.get(place), expert, expert, group, place);
                gateOfSlot.values()[slotsOfToken[taken.get(place) * experts + expert]] =
                        probability(taken.get(place), expert);
            }
            seen.addAll(taken);
        }
        statistics[RoutingStatistics.DROPPED] += members.size() - seen.size();
    }

    private void sit(int token, int choice, int expert, int group, int place) {
        int slot = (expert * plan.groups() + group) * plan.capacity() + place;
        tokenOfSlot[slot] = token;
        slotsOfToken[token * plan.choices() + choice] = slot;
        statistics[RoutingStatistics.kept(experts) + expert]++;
    }

    private Real gate(int token, int slot) {
        int perExpert = plan.groups() * plan.capacity();
        Real own = probability(token, slot / perExpert);
        if (!(plan.policy() instanceof RoutingPolicy.TopK) || plan.choices() == 1) {
            return own;
        }
        Real sum = Real.ZERO;
        for (int c = 0; c < plan.choices(); c++) {
            int other = slotsOfToken[token * plan.choices() + c];
            sum = sum.plus(probability(token, other < 0 ? chosen[token][c] : other / perExpert));
        }
        return own.over(sum);
    }

    private void losses(int group, int size) {
        Real[] importance = new Real[experts];
        Arrays.fill(importance, Real.ZERO);
        double[] first = new double[experts];
        int members = 0;
        for (int t = group * size; t < (group + 1) * size; t++) {
            if (!routed[t]) {
                continue;
            }
            members++;
            first[firstChoice[t]]++;
            z = z.plus(logSumExp.values()[t].square());
            double entropy = 0;
            double largest = 0;
            for (int e = 0; e < experts; e++) {
                double p = probability(t, e).value();
                importance[e] = importance[e].plus(probability(t, e));
                entropy -= p > 0 ? p * Math.log(p) : 0;
                largest = Math.max(largest, p);
            }
            statistics[RoutingStatistics.ENTROPY] += entropy;
            statistics[RoutingStatistics.CONFIDENCE] += largest;
            statistics[RoutingStatistics.entropy(experts) + firstChoice[t]] += entropy;
            statistics[RoutingStatistics.confidence(experts) + firstChoice[t]] += largest;
        }
        statistics[RoutingStatistics.ROUTED] += members;
        if (members == 0) {
            return;
        }
        boolean balanced = plan.policy() instanceof RoutingPolicy.TopK || plan.policy() instanceof RoutingPolicy.TopP;
        for (int e = 0; e < experts; e++) {
            double f = first[e] / members;
            demand[group * experts + e] = f;
            statistics[RoutingStatistics.DEMAND + e] += first[e];
            if (balanced) {
                balance = balance.plus(importance[e]
                        .times(1.0 / members)
                        .times(experts * plan.shares().weight(e) * f));
            }
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
