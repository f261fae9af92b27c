package dev.sparkswitch.model;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.RankGroup;
import java.util.stream.IntStream;

/**
 * Which rank holds which experts: a pure function of three numbers. Rank r has expert coordinate {@code r % expertParallel}
 * and belongs to replica {@code r / expertParallel}; experts lie in contiguous blocks along the coordinate.
 *
 * @param experts experts of a sparse layer, of the largest where they differ
 * @param expertParallel ranks over which one copy of the experts is spread
 * @param worldSize all ranks
 */
public record ExpertPlacement(int experts, int expertParallel, int worldSize) {
    public ExpertPlacement {
        if (expertParallel < 1 || worldSize % expertParallel != 0) {
            throw new UserException("expert-parallel " + expertParallel + " does not divide the " + worldSize
                    + " ranks; choose a divisor of " + worldSize + ".");
        }
        if (experts % expertParallel != 0) {
            throw new UserException(experts + " experts cannot be spread evenly over " + expertParallel
                    + " ranks; choose a number of ranks (or expert-parallel) that divides " + experts + ".");
        }
    }

    /**
     * The placement in a world of a model's experts; a dense model has as many as ranks share them.
     *
     * @throws UserException where a layer's experts cannot be spread so
     */
    public static ExpertPlacement of(T5Config model, int expertParallel, int worldSize) {
        ExpertPlacement placement = new ExpertPlacement(
                model.sparse().map(SwitchConfig::experts).orElse(expertParallel), expertParallel, worldSize);
        model.sparse().ifPresent(sparse -> sparse.expertCounts().forEach(placement::ofLayer));
        return placement;
    }

    /**
     * The same for a layer of another number of experts.
     *
     * @throws UserException where they cannot be spread so
     */
    ExpertPlacement ofLayer(int layerExperts) {
        return new ExpertPlacement(layerExperts, expertParallel, worldSize);
    }

    /** All experts on every rank. */
    public static ExpertPlacement single(int experts) {
        return new ExpertPlacement(experts, 1, 1);
    }

    /** Experts that a rank holds. */
    public int localExperts() {
        return experts / expertParallel;
    }

    /** The first expert that {@code rank} holds. */
    public int firstExpert(int rank) {
        return rank % expertParallel * localExperts();
    }

    /** Whether {@code rank} holds {@code expert}. */
    boolean holds(int rank, int expert) {
        return expert / localExperts() == rank % expertParallel;
    }

    /** The ranks that hold one copy of the experts together with {@code rank}: they exchange tokens. */
    public RankGroup exchangeGroup(int rank) {
        int first = rank / expertParallel * expertParallel;
        return new RankGroup(
                IntStream.range(first, first + expertParallel).boxed().toList());
    }

    /** The ranks that hold the same experts as {@code rank}: they sum their gradients. */
    public RankGroup replicaGroup(int rank) {
        return new RankGroup(IntStream.range(0, worldSize / expertParallel)
                .map(replica -> replica * expertParallel + rank % expertParallel)
                .boxed()
                .toList());
    }
}
