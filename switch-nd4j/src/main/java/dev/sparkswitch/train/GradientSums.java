package dev.sparkswitch.train;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parameters;
import dev.sparkswitch.model.Share;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The sums of one step's gradients over the ranks, started piece by piece as the last backward pass completes them: those of
 * dense and router parameters over all ranks, those of experts over the ranks that hold the same ones.
 */
final class GradientSums {
    private final Parameters parameters;
    private final Collectives collectives;
    private final RankGroup world;
    private final RankGroup replicas;
    private final long bucketBytes;
    private final Map<Share, List<Exchange>> started = new EnumMap<>(Share.class);

    GradientSums(Parameters parameters, Collectives collectives, ExpertPlacement placement, long bucketBytes) {
        this.parameters = parameters;
        this.collectives = collectives;
        this.world = RankGroup.world(collectives.worldSize());
        this.replicas = placement.replicaGroup(collectives.rank());
        this.bucketBytes = bucketBytes;
        for (Share share : Share.values()) {
            started.put(share, new ArrayList<>());
        }
    }

    /** Starts the sums of what has become complete. */
    void advance() {
        for (Share share : Share.values()) {
            RankGroup holders = share.isOfAllRanks() ? world : replicas;
            if (holders.size() > 1) {
                // Those of an expert on one rank alone may be of a type that ranks do not add up in.
                for (Tensor gradients : parameters.takeGradients(share, bucketBytes)) {
                    started.get(share).add(collectives.startAllReduceSum(gradients, holders));
                }
            }
        }
    }

    /** Ends a share's sums, all of which have been started: what the engine is asked for next finds them. */
    void await(Share share) {
        started.get(share).forEach(Exchange::await);
        started.get(share).clear();
    }

    void awaitAll() {
        for (Share share : Share.values()) {
            await(share);
        }
    }
}
