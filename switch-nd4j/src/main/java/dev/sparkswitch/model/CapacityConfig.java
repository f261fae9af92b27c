package dev.sparkswitch.model;

/**
 * How many tokens an expert takes. The fields that the mode does not use hold zero, whatever was given.
 *
 * @param mode over which tokens capacity is counted
 * @param groupRows the consecutive rows of the global batch that make a routing group (group mode)
 * @param trainFactor capacity over the fair share, in training (group mode)
 * @param evalFactor capacity over the fair share, in evaluation (group mode)
 * @param minimum the least capacity, however small the group is (group mode)
 * @param tokens the capacity itself (per-sequence mode)
 * @param routePadding whether padding is routed, takes capacity and counts in the losses, as Hugging Face has it
 */
public record CapacityConfig(
        CapacityMode mode,
        int groupRows,
        double trainFactor,
        double evalFactor,
        int minimum,
        int tokens,
        boolean routePadding) {
    public CapacityConfig {
        switch (mode) {
            case GROUP -> {
                tokens = 0;
                int rows = groupRows;
                int least = minimum;
                double train = trainFactor;
                double evaluation = evalFactor;
                Contradictions.none(found -> found.atLeast(1, "capacity.group-rows", rows)
                        .positive("capacity.train-factor", train)
                        .positive("capacity.eval-factor", evaluation)
                        .atLeast(1, "capacity.minimum", least));
            }
            case PER_SEQUENCE -> {
                groupRows = 0;
                trainFactor = 0;
                evalFactor = 0;
                minimum = 0;
                int slots = tokens;
                Contradictions.none(found -> found.atLeast(1, "capacity.tokens", slots));
            }
        }
    }

    /** The native form: capacity in proportion to groups of {@code rows} rows, padding left unrouted. */
    public static CapacityConfig group(int rows, double trainFactor, double evalFactor, int minimum) {
        return new CapacityConfig(CapacityMode.GROUP, rows, trainFactor, evalFactor, minimum, 0, false);
    }

    /** Hugging Face's form: {@code tokens} of each sequence, padding routed. */
    public static CapacityConfig perSequence(int tokens) {
        return new CapacityConfig(CapacityMode.PER_SEQUENCE, 0, 0, 0, 0, tokens, true);
    }

    /** Consecutive rows that compete for slots. */
    public int rowsOfGroup() {
        return switch (mode) {
            case GROUP -> groupRows;
            case PER_SEQUENCE -> 1;
        };
    }

    /**
     * Groups of the balance loss in a micro-batch of {@code rows} rows: the routing groups, or in per-sequence mode the
     * micro-batch as a whole, as Hugging Face pools all positions. Only the former is independent of how a step is cut.
     */
    public int balanceGroups(int rows) {
        return switch (mode) {
            case GROUP -> rows / groupRows;
            case PER_SEQUENCE -> 1;
        };
    }
}
