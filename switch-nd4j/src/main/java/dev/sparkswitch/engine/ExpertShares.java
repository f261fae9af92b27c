package dev.sparkswitch.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * What experts of different sizes differ in to whoever routes to them. With s_i the share of an expert in the size of all,
 * the balance loss is {@code sum_i f_i P_i / s_i}: it is least, with the value 1, where tokens and probabilities fall to
 * experts as their sizes do (f = P = s, by Cauchy and Schwarz), and is E * sum_i f_i P_i (Switch Transformer, equation 4)
 * where all sizes are equal.
 *
 * @param capacities slots of each expert in a group, at most the plan's; empty where each has the plan's
 * @param weights 1 / (E * s_i) of each expert; empty where all are 1
 */
public record ExpertShares(List<Integer> capacities, List<Double> weights) {
    /** Experts of one size. */
    public static final ExpertShares EQUAL = new ExpertShares(List.of(), List.of());

    public ExpertShares {
        capacities = List.copyOf(capacities);
        weights = List.copyOf(weights);
        if (capacities.size() != weights.size()) {
            throw new IllegalArgumentException(capacities.size() + " capacities but " + weights.size() + " weights");
        }
    }

    /** Experts of these sizes, with so many slots each. */
    public static ExpertShares of(List<Integer> sizes, List<Integer> capacities) {
        double sum = 0;
        for (int size : sizes) {
            sum += size;
        }
        List<Double> weights = new ArrayList<>();
        for (int size : sizes) {
            weights.add(sum / (sizes.size() * (double) size));
        }
        return new ExpertShares(capacities, weights);
    }

    /** Whether all experts have one size. */
    public boolean equal() {
        return weights.isEmpty();
    }

    /** Slots of an expert in a group. */
    int capacity(int expert, int byDefault) {
        return capacities.isEmpty() ? byDefault : capacities.get(expert);
    }

    /** The factor of an expert in the balance loss, beside E. */
    public double weight(int expert) {
        return weights.isEmpty() ? 1 : weights.get(expert);
    }
}
