package dev.sparkswitch.model;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Routing;
import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

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
     * What is sent, slots [E, S, width], and what comes back, [E, S, resultWidth], all of the engine's compute type.
     *
     * @param experts E, of all ranks
     * @param slots S
     */
    record Load(int experts, int slots, int width, int resultWidth) {
        static Load of(Routing routing, int width, int resultWidth) {
            return new Load(routing.experts(), routing.plan().slots(), width, resultWidth);
        }
    }

    /**
     * Sends slots to the experts and their results back; closes what it sends.
     *
     * @param slots makes them, once there is room for them on other ranks
     * @param wanted chunks, at most one for each of a rank's experts; 0 for as many as serve
     */
    Tensor through(Load load, Supplier<Tensor> slots, int wanted, Work work) {
        int ranks = group.size();
        int local = load.experts() / ranks;
        if (ranks == 1) {
            Tensor sent = slots.get();
            work.meanwhile();
            Tensor results = work.results(0, local, sent);
            work.afterwards(0, local);
            return results;
        }
        DType type = engine.precision().compute();
        int chunks = Math.min(local, wanted > 0 ? wanted : chunks(load, type));
        List<Room> rooms = new ArrayList<>();
        for (int chunk = 0; chunk < chunks; chunk++) {
            rooms.add(room(load, type, local * chunk / chunks, local * (chunk + 1) / chunks));
        }
        Tensor results = collectives.receiver(engine, group, type, load.experts(), load.slots(), load.resultWidth());
        Tensor sent = slots.get();
        List<Arriving> arriving = new ArrayList<>();
        for (Room room : rooms) {
            arriving.add(send(sent, room));
        }
        work.meanwhile();
        List<Returning> returning = new ArrayList<>();
        for (Arriving chunk : arriving) {
            Tensor made = work.results(chunk.from(), chunk.to(), arrived(chunk));
            returning.add(sendBack(made, results, chunk));
            work.afterwards(chunk.from(), chunk.to());
        }
        sent.close();
        for (Returning chunk : returning) {
            chunk.exchange().await();
            chunk.sent().close();
        }
        return results;
    }

    private int chunks(Load load, DType type) {
        int ranks = group.size();
        long bytes = (long) load.experts() * load.slots() * load.width() * type.bytes() / ranks * (ranks - 1);
        return collectives.overlaps() ? (int) Math.max(1, Math.min(MOST_CHUNKS, bytes / collectives.chunkBytes())) : 1;
    }

    /** Where the slots of a chunk of this rank's experts arrive. */
    private record Room(int from, int to, Tensor slots) {}

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

    private Room room(Load load, DType type, int from, int to) {
        int slots = group.size() * load.slots();
        return new Room(from, to, collectives.receiver(engine, group, type, to - from, slots, load.width()));
    }

    private Arriving send(Tensor slots, Room room) {
        int ranks = group.size();
        Tensor received = room.slots();
        int experts = received.extent(0);
        int part = Math.toIntExact(received.size() / experts / ranks);
        Tensor places = byExpert() ? received.reshape(experts, ranks, part) : received.reshape(ranks, experts * part);
        Exchange exchange = collectives.startAllToAll(chunk(slots, room.from(), room.to()), places, group);
        return new Arriving(room.from(), room.to(), received, exchange);
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
