package dev.sparkswitch.collective;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.Threads;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CardGroup;
import dev.sparkswitch.engine.cuda.CudaEngine;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Collectives from card to card. They run beside what the engine does, and the host does not wait for them. The cards' groups are
 * made when they are first needed, over the host's connections, which also tell when a rank is gone: then the card is
 * freed from what it waits for, and whatever next reads from the engine or starts an operation fails with the cause.
 */
final class CardCollectives implements Collectives {
    private static final long LOOK_MILLIS = 200;
    private static final long CLOSE_MILLIS = 1;

    private final HostCollectives host;
    private final CudaEngine engine;
    private final long deadlineNanos;
    private final Map<RankGroup, CardGroup> groups = new ConcurrentHashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);
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
        CardGroup known = groups.get(group);
        if (known == null) {
            known = join(group);
            groups.put(group, known);
            if (failure != null) {
                // The watch may have ended the others before this one was there.
                known.abort();
                check();
            }
        }
        lastStart = System.nanoTime();
        return known;
    }

    private CardGroup join(RankGroup group) {
        int first = group.ranks().get(0);
        byte[] id = host.rank() == first ? engine.newGroup() : new byte[CudaEngine.GROUP_BYTES];
        ByteBuffer bytes = Routes.bytes(id.length).put(id).flip();
        host.broadcast(bytes, first, group);
        bytes.get(id);
        // Nothing frees a card that waits for one that never comes: then its thread is left behind.
        FutureTask<CardGroup> joining = new FutureTask<>(() -> {
            CardGroup cards = engine.join(id, group.indexOf(host.rank()), group.size());
            if (failure != null || closing.getCount() == 0) {
                // Nobody waits for it any more.
                cards.abort();
            }
            return cards;
        });
        Thread thread = new Thread(joining, "sparkswitch-card-join");
        thread.setDaemon(true);
        thread.start();
        return joined(joining, group);
    }

    private CardGroup joined(FutureTask<CardGroup> joining, RankGroup group) {
        long start = System.nanoTime();
        while (true) {
            try {
                return joining.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                check();
                if (System.nanoTime() - start > deadlineNanos) {
                    throw new CollectiveException(-1, "the cards of ranks " + group.ranks() + late(), e);
                }
            } catch (ExecutionException e) {
                check();
                if (e.getCause() instanceof SparkSwitchException known) {
                    throw known;
                }
                throw new InternalException("the cards of ranks " + group.ranks() + " did not meet", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CollectiveException(host.rank(), "rank " + host.rank() + " was interrupted", e);
            }
        }
    }

    private String late() {
        return " did not meet within " + Duration.ofNanos(deadlineNanos).toSeconds() + " s";
    }

    private Exchange start(RankGroup group, Function<CardGroup, CardGroup.Started> operation) {
        CardGroup cards = cards(group);
        CardGroup.Started started = told(() -> operation.apply(cards));
        return () -> told(() -> {
            started.await();
            return null;
        });
    }

    /** Where an operation fails because its group is no more, the reason of that is what is told. */
    private <T> T told(Supplier<T> operation) {
        try {
            return operation.get();
        } catch (RuntimeException e) {
            check();
            // The watch may not have looked yet.
            throw host.failure().<RuntimeException>map(Failures::again).orElse(e);
        }
    }

    private void watch() {
        try {
            while (failure == null && !closing.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
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
        // Before this card ends its part: the others then end theirs, which may be to write to its memory.
        host.abort(cause);
        abort(List.copyOf(groups.values()));
    }

    /** Each by a thread of its own, for all to be under way at once: one group's operations may stand behind another's. */
    static void abort(List<? extends CardGroup> together) {
        List<Thread> threads = new ArrayList<>();
        for (CardGroup group : together) {
            Thread thread = new Thread(group::abort, "sparkswitch-card-abort");
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        threads.forEach(Threads::join);
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
    public boolean overlaps() {
        return true;
    }

    @Override
    public boolean takesRowsApart(RankGroup group) {
        return cards(group).writesAcross();
    }

    @Override
    public Tensor receiver(Engine unused, RankGroup group, DType type, int... shape) {
        CardGroup cards = cards(group);
        if (!cards.writesAcross()) {
            return engine.allocate(type, shape);
        }
        Tensor made = engine.allocateShared(type, shape);
        return told(() -> {
            cards.expect(made);
            return made;
        });
    }

    @Override
    public boolean sums(DType type) {
        return type == DType.BFLOAT16 || Collectives.super.sums(type);
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        return group.size() == 1 ? Exchange.DONE : start(group, cards -> cards.allReduceSum(data));
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        return start(group, cards -> cards.allToAll(send, receive));
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        if (group.size() > 1) {
            start(group, cards -> cards.broadcast(data, group.indexOf(root))).await();
        }
    }

    @Override
    public void barrier(RankGroup group) {
        if (group.size() > 1) {
            host.barrier(group);
        }
    }

    @Override
    public Moment moment() {
        return engine.exchangeMoment();
    }

    /** Takes leave once what was started is done; until then the watch goes on. */
    @Override
    public void close() {
        boolean done = awaitGroups();
        // Not by an interrupt: it may be ending what this card waits for, and what that needs must stay until it has.
        closing.countDown();
        Threads.join(watch);
        engine.checkReads(() -> {});
        if (done && failure == null) {
            groups.values().forEach(CardGroup::close);
        } else {
            abort(List.copyOf(groups.values()));
        }
    }

    /** Whether all groups are done; false where a failure or an interrupt came before. */
    private boolean awaitGroups() {
        try {
            while (failure == null) {
                if (groups.values().stream().noneMatch(CardGroup::pending)) {
                    return true;
                }
                Thread.sleep(CLOSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    @Override
    public String toString() {
        return "from card to card";
    }
}
