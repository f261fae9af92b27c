package dev.sparkswitch.collective;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CardGroup;
import dev.sparkswitch.engine.cuda.CudaEngine;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Collectives from card to card. They are started in the engine's order and the host does not wait for them. The cards' groups
 * are made when they are first needed, over the host's connections, which also tell when a rank is gone: then the card is
 * freed from what it waits for, and whatever next reads from the engine or starts an operation fails with the cause.
 */
final class CardCollectives implements Collectives {
    private static final long LOOK_MILLIS = 200;

    private final HostCollectives host;
    private final CudaEngine engine;
    private final long deadlineNanos;
    private final Map<RankGroup, CardGroup> groups = new ConcurrentHashMap<>();
    private final Thread watch = new Thread(this::watch, "sparkswitch-card-watch");
    private volatile long lastStart = System.nanoTime();
    private volatile CollectiveException failure;

    CardCollectives(HostCollectives host, CudaEngine engine) {
        this.host = host;
        this.engine = engine;
        this.deadlineNanos = host.deadline().toNanos();
        engine.checkReads(this::check);
        watch.setDaemon(true);
        watch.start();
    }

    private void check() {
        CollectiveException known = failure;
        if (known != null) {
            throw Failures.again(known);
        }
    }

    /** The cards of the group, met by the number that its first rank makes. */
    private CardGroup cards(RankGroup group) {
        check();
        lastStart = System.nanoTime();
        return groups.computeIfAbsent(group, ranks -> {
            byte[] id = engine.newGroup();
            ByteBuffer bytes = Routes.bytes(id.length).put(id).flip();
            host.broadcast(bytes, ranks.ranks().get(0), ranks);
            bytes.get(id);
            return engine.join(id, ranks.indexOf(host.rank()), ranks.size());
        });
    }

    private void watch() {
        try {
            while (failure == null) {
                Thread.sleep(LOOK_MILLIS);
                look(groups.values()).ifPresent(this::fail);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<CollectiveException> look(Collection<CardGroup> cards) {
        Optional<CollectiveException> known = host.failure();
        if (known.isPresent()) {
            return known;
        }
        int self = host.rank();
        for (CardGroup group : cards) {
            Optional<String> fault = group.fault();
            if (fault.isPresent()) {
                return Optional.of(new CollectiveException(
                        self, "the cards' exchange of rank " + self + " failed: " + fault.get(), null));
            }
            if (group.pending() && System.nanoTime() - lastStart > deadlineNanos) {
                return Optional.of(new CollectiveException(
                        self,
                        "the cards' exchange of rank " + self + " has not ended within "
                                + Duration.ofNanos(deadlineNanos).toSeconds() + " s",
                        null));
            }
        }
        return Optional.empty();
    }

    private void fail(CollectiveException cause) {
        failure = cause;
        groups.values().forEach(CardGroup::abort);
        host.abort(cause);
    }

    @Override
    public int rank() {
        return host.rank();
    }

    @Override
    public int worldSize() {
        return host.worldSize();
    }

    @Override
    public void allReduceSum(Tensor data, RankGroup group) {
        if (group.size() > 1) {
            cards(group).allReduceSum(data);
        }
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        cards(group).allToAll(send, receive);
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        if (group.size() > 1) {
            cards(group).broadcast(data, group.indexOf(root));
        }
    }

    @Override
    public void barrier(RankGroup group) {
        if (group.size() > 1) {
            host.barrier(group);
        }
    }

    @Override
    public void close() {
        watch.interrupt();
        engine.checkReads(() -> {});
        if (failure == null) {
            groups.values().forEach(CardGroup::close);
        }
    }

    @Override
    public String toString() {
        return "from card to card";
    }
}
