package dev.sparkswitch.engine;

/**
 * Which token sits in which slot of which expert, and what the backward pass needs to know of the choice. T token positions,
 * E experts, S slots an expert (capacity times groups).
 *
 * @param plan what was asked for
 * @param probabilities router probabilities [T, E], router type
 * @param logSumExp log of the sum of exponentials of the logits [T], router type
 * @param tokenOfSlot the token in each slot [E, S], int32; -1 for an empty slot
 * @param gateOfSlot the factor of each slot's result [E, S], router type; 0 for an empty slot
 * @param slotsOfToken the slots of each token [T, choices], int32: slot numbers in [0, E * S), -1 where there is no choice or
 *     it was dropped; where experts choose, column e is for expert e
 * @param firstChoice the expert that each token prefers [T], int32; -1 for a token that is not routed
 * @param demand the fraction of each balance group's routed tokens whose first choice is the expert [balance groups, E],
 *     router type
 * @param statistics sums over the batch, router type; see {@link RoutingStatistics}
 */
public record Routing(
        RoutingPlan plan,
        Tensor probabilities,
        Tensor logSumExp,
        Tensor tokenOfSlot,
        Tensor gateOfSlot,
        Tensor slotsOfToken,
        Tensor firstChoice,
        Tensor demand,
        Tensor statistics)
        implements AutoCloseable {

    /** The number of experts. */
    public int experts() {
        return probabilities.extent(1);
    }

    @Override
    public void close() {
        probabilities.close();
        logSumExp.close();
        tokenOfSlot.close();
        gateOfSlot.close();
        slotsOfToken.close();
        firstChoice.close();
        demand.close();
        statistics.close();
    }
}
