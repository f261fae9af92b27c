package dev.sparkswitch.model;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/**
 * Brings tokens to the ranks that hold their experts, and results back. Slots by expert [E, S, d] on each of n ranks become,
 * on the rank that holds them, [E / n, n * S, d]: for each of its experts the slots of all ranks, in rank order.
 */
final class TokenExchange {
    private final Engine engine;
    private final Collectives collectives;
    private final RankGroup group;

    TokenExchange(Engine engine, Collectives collectives, RankGroup group) {
        this.engine = engine;
        this.collectives = collectives;
        this.group = group;
    }

    /** The number of ranks that take part. */
    int ranks() {
        return group.size();
    }

    /** Sends [E, S, d] to the experts, returns [E / n, n * S, d]; closes what it sends. */
    Tensor toExperts(Tensor slots) {
        int ranks = group.size();
        if (ranks == 1) {
            return slots;
        }
        int local = slots.extent(0) / ranks;
        int perExpert = slots.extent(1);
        int width = slots.extent(2);
        try (Tensor send = slots;
                Tensor received = engine.allocate(slots.type(), ranks, local, perExpert * width)) {
            collectives.startAllToAll(send, received, group).await();
            return engine.swapLeading(received, ranks, local, local, ranks * perExpert, width);
        }
    }

    /** Sends [E / n, n * S, d] back to the tokens, returns [E, S, d]; closes what it sends. */
    Tensor toTokens(Tensor results) {
        int ranks = group.size();
        if (ranks == 1) {
            return results;
        }
        int local = results.extent(0);
        int perExpert = results.extent(1) / ranks;
        int width = results.extent(2);
        try (Tensor own = results;
                Tensor send = engine.swapLeading(own, local, ranks, ranks, local, perExpert * width)) {
            Tensor returned = engine.allocate(results.type(), ranks * local, perExpert, width);
            collectives.startAllToAll(send, returned, group).await();
            return returned;
        }
    }
}
