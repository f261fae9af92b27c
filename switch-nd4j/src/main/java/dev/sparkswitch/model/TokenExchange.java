package dev.sparkswitch.model;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings tokens to the ranks that hold their experts, and results back. Slots by expert [E, S, d] on each of n ranks become,
 * on the rank that holds them, [E / n, n * S, d]: for each of its experts the slots of all ranks, in rank order.
 *
 * <p>Tokens travel by chunks of each rank's experts, so that some are on their way while experts work on others. An expert's
 * slots are never cut: its arithmetic does not depend on the chunks.
 */
final class TokenExchange {
    private static final int MOST_CHUNKS = 8;

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

    /** What a rank's experts do, chunk by chunk. */
    @FunctionalInterface
    interface Work {
        /**
         * What the experts from {@code from} to {@code to} (exclusive), counted from the rank's first, make of their slots.
         *
         * @param slots [to - from, n * S, d], which the work owns from here on
         * @return [to - from, n * S, any width]
         */
        Tensor results(int from, int to, Tensor slots);

        /** What is done while the first slots are on their way. */
        default void meanwhile() {}

        /** What is left to do for these experts while their results are on their way. */
        default void afterwards(int from, int to) {}
    }

    /**
     * Sends slots [E, S, d] to the experts and their results [E, S, any width] back; closes what it sends.
     *
     * @param wanted chunks, at most one for each of a rank's experts; 0 for as many as serve
     */
    Tensor through(Tensor slots, int wanted, Work work) {
        int ranks = group.size();
        int local = slots.extent(0) / ranks;
        if (ranks == 1) {
            work.meanwhile();
            Tensor results = work.results(0, local, slots);
            work.afterwards(0, local);
            return results;
        }
        List<Arriving> arriving = new ArrayList<>();
        int chunks = Math.min(local, wanted > 0 ? wanted : chunks(slots));
        for (int chunk = 0; chunk < chunks; chunk++) {
            arriving.add(send(slots, local * chunk / chunks, local * (chunk + 1) / chunks));
        }
        work.meanwhile();
        Tensor results = null;
        List<Returning> returning = new ArrayList<>();
        for (Arriving chunk : arriving) {
            Tensor made = work.results(chunk.from(), chunk.to(), arrived(chunk));
            if (results == null) {
                results = collectives.receiver(
                        engine, group, made.type(), slots.extent(0), slots.extent(1), made.extent(2));
            }
            returning.add(sendBack(made, results, chunk));
            work.afterwards(chunk.from(), chunk.to());
        }
        slots.close();
        for (Returning chunk : returning) {
            chunk.exchange().await();
            chunk.sent().close();
        }
        return results;
    }

    private int chunks(Tensor slots) {
        long bytes = slots.size() * slots.type().bytes();
        return collectives.overlaps() ? (int) Math.max(1, Math.min(MOST_CHUNKS, bytes / collectives.chunkBytes())) : 1;
    }

    /** Slots on their way to a chunk of experts: for each rank those of every expert. */
    private record Arriving(int from, int to, Tensor slots, Exchange exchange) {}

    /** Results on their way back. */
    private record Returning(Tensor sent, Exchange exchange) {}

    /** The part of a chunk of every rank's experts in slots of all experts: a row for each rank. */
    private Tensor chunk(Tensor all, int from, int to) {
        int ranks = group.size();
        int slots = all.extent(1) * all.extent(2);
        int local = all.extent(0) / ranks;
        return all.reshape(ranks, Math.multiplyExact(local, slots)).columns(from * slots, to * slots);
    }

    private Arriving send(Tensor slots, int from, int to) {
        int ranks = group.size();
        int perExpert = slots.extent(1);
        int width = slots.extent(2);
        Tensor received = collectives.receiver(engine, group, slots.type(), to - from, ranks * perExpert, width);
        Tensor places = byExpert()
                ? received.reshape(to - from, ranks, perExpert * width)
                : received.reshape(ranks, (to - from) * perExpert * width);
        Exchange exchange = collectives.startAllToAll(chunk(slots, from, to), places, group);
        return new Arriving(from, to, received, exchange);
    }

    /** Whether slots travel between where they lie by expert here and by rank there; otherwise by rank on both sides. */
    private boolean byExpert() {
        return collectives.takesRowsApart(group);
    }

    /** [experts, n * S, d]. */
    private Tensor arrived(Arriving chunk) {
        chunk.exchange().await();
        Tensor slots = chunk.slots();
        int experts = slots.extent(0);
        if (experts == 1 || byExpert()) {
            return slots;
        }
        try (slots) {
            return engine.swapLeading(slots, group.size(), experts, slots.shape());
        }
    }

    private Returning sendBack(Tensor made, Tensor results, Arriving chunk) {
        int ranks = group.size();
        int experts = made.extent(0);
        Tensor returned = chunk(results, chunk.from(), chunk.to());
        if (byExpert()) {
            Tensor parts = made.reshape(experts, ranks, Math.toIntExact(made.size() / experts / ranks));
            return new Returning(made, collectives.startAllToAll(parts, returned, group));
        }
        Tensor send = made;
        if (experts > 1) {
            send = engine.swapLeading(made, experts, ranks, made.shape());
            made.close();
        }
        Exchange exchange =
                collectives.startAllToAll(send.reshape(ranks, Math.toIntExact(send.size() / ranks)), returned, group);
        return new Returning(send, exchange);
    }
}
