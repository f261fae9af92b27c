package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Collectives between threads of one JVM: each rank reads the others' buffers directly. Each element is summed in
 * ascending order of the ranks, as {@link NettyCollectives} does, so that both give the same bits.
 */
public final class InProcessCollectives implements HostCollectives {
    private static final Duration DEFAULT_DEADLINE = Duration.ofMinutes(5);

    private final World world;
    private final int rank;
    private final OperationLog operations;
    private final BlockSum sum = new BlockSum();

    private InProcessCollectives(World world, int rank) {
        this.world = world;
        this.rank = rank;
        this.operations = new OperationLog(rank, world.size);
    }

    /** The collectives of {@code size} ranks, in rank order, with a deadline of five minutes. */
    public static List<InProcessCollectives> world(int size) {
        return world(size, DEFAULT_DEADLINE);
    }

    /** The collectives of {@code size} ranks, in rank order, whose operations end within {@code deadline}. */
    public static List<InProcessCollectives> world(int size, Duration deadline) {
        if (size < 1) {
            throw new IllegalArgumentException("a world has at least one rank, not " + size);
        }
        World world = new World(size, deadline);
        List<InProcessCollectives> ranks = new ArrayList<>(size);
        for (int rank = 0; rank < size; rank++) {
            ranks.add(new InProcessCollectives(world, rank));
        }
        return List.copyOf(ranks);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int worldSize() {
        return world.size;
    }

    @Override
    public void allReduceSum(ByteBuffer data, DType type, RankGroup group) {
        Operation operation = operations.allReduce(data, type, group);
        Meeting meeting = world.meet(rank, operation, List.of(data), List.of(data));
        try {
            int count = data.remaining() / type.bytes();
            int me = group.indexOf(rank);
            int end = Spans.start(count, me + 1, group.size()) * type.bytes();
            int at = Spans.start(count, me, group.size()) * type.bytes();
            // Only this rank touches its span, in any buffer, so that the sum may be written at once everywhere.
            for (; at < end; at += BlockSum.BLOCK_BYTES) {
                int bytes = Math.min(BlockSum.BLOCK_BYTES, end - at);
                sum.start(type);
                for (int i = 0; i < group.size(); i++) {
                    sum.add(Spans.slice(meeting.send.get(i).get(0), at, bytes));
                }
                for (int i = 0; i < group.size(); i++) {
                    sum.store(Spans.slice(meeting.receive.get(i).get(0), at, bytes));
                }
            }
        } finally {
            world.leave(meeting);
        }
    }

    @Override
    public void allToAll(List<ByteBuffer> send, List<ByteBuffer> receive, RankGroup group) {
        Operation operation = operations.allToAll(send, receive, group);
        Meeting meeting = world.meet(rank, operation, send, receive);
        try {
            int me = group.indexOf(rank);
            for (int i = 0; i < group.size(); i++) {
                Spans.copy(Spans.run(meeting.send.get(i), me, group.size()), Spans.run(receive, i, group.size()));
            }
        } finally {
            world.leave(meeting);
        }
    }

    @Override
    public void broadcast(ByteBuffer data, int root, RankGroup group) {
        Operation operation = operations.broadcast(data, root, group);
        Meeting meeting = world.meet(rank, operation, List.of(data), List.of(data));
        try {
            if (rank != root) {
                data.slice().put(meeting.send.get(group.indexOf(root)).get(0).slice());
            }
        } finally {
            world.leave(meeting);
        }
    }

    @Override
    public void barrier(RankGroup group) {
        Operation operation = operations.barrier(group);
        ByteBuffer nothing = ByteBuffer.allocateDirect(0);
        world.leave(world.meet(rank, operation, List.of(nothing), List.of(nothing)));
    }

    @Override
    public void abort(Throwable cause) {
        world.fail(Failures.ofRank(rank, cause));
    }

    @Override
    public Optional<CollectiveException> failure() {
        return world.failure();
    }

    @Override
    public Duration deadline() {
        return world.deadline;
    }

    @Override
    public void close() {
        world.close(rank);
    }

    /** One operation: who has come, with which buffers, and who is done. Guarded by the world's lock. */
    private static final class Meeting {
        /** By the place of the rank that gave them. */
        private final List<List<ByteBuffer>> send;

        private final List<List<ByteBuffer>> receive;
        private int arrived;
        private int done;

        private Meeting(Operation operation) {
            this.send = new ArrayList<>(Collections.nCopies(operation.group().size(), List.of()));
            this.receive = new ArrayList<>(Collections.nCopies(operation.group().size(), List.of()));
        }

        private boolean complete() {
            return arrived == send.size();
        }
    }

    private static final class World {
        private final int size;
        private final Duration deadline;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final Map<Operation, Meeting> meetings = new HashMap<>();
        private final Operation[] waiting;
        private final boolean[] closed;
        private CollectiveException failure;

        private World(int size, Duration deadline) {
            this.size = size;
            this.deadline = deadline;
            this.waiting = new Operation[size];
            this.closed = new boolean[size];
        }

        /** Waits until every rank of the group has come to this operation. */
        private Meeting meet(int rank, Operation operation, List<ByteBuffer> send, List<ByteBuffer> receive) {
            lock.lock();
            try {
                checkInStep(rank, operation);
                throwIfFailed();
                Meeting meeting = meetings.computeIfAbsent(operation, Meeting::new);
                int index = operation.group().indexOf(rank);
                meeting.send.set(index, slices(send));
                meeting.receive.set(index, slices(receive));
                meeting.arrived++;
                waiting[rank] = operation;
                if (meeting.complete()) {
                    meetings.remove(operation);
                    for (int member : operation.group().ranks()) {
                        waiting[member] = null;
                    }
                    changed.signalAll();
                }
                long remaining = deadline.toNanos();
                while (!meeting.complete()) {
                    throwIfFailed();
                    checkPresent(rank, operation);
                    if (remaining <= 0) {
                        fail(new CollectiveException(-1, late(operation), null));
                        continue;
                    }
                    remaining = changed.awaitNanos(remaining);
                }
                return meeting;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                fail(new CollectiveException(rank, "rank " + rank + " was interrupted in " + operation, e));
                throw Failures.again(failure);
            } finally {
                lock.unlock();
            }
        }

        private static List<ByteBuffer> slices(List<ByteBuffer> buffers) {
            return buffers.stream()
                    .map(buffer -> buffer.slice().order(ByteOrder.nativeOrder()))
                    .toList();
        }

        /** Waits until no rank uses this one's buffers any more; copying memory ends by itself, so no deadline. */
        private void leave(Meeting meeting) {
            lock.lock();
            try {
                meeting.done++;
                changed.signalAll();
                while (meeting.done < meeting.send.size()) {
                    changed.awaitUninterruptibly();
                }
            } finally {
                lock.unlock();
            }
        }

        private void checkInStep(int rank, Operation operation) {
            for (int member : operation.group().ranks()) {
                Operation other = waiting[member];
                if (other != null && !other.equals(operation) && other.group().indexOf(rank) >= 0) {
                    fail(new CollectiveException(-1, Operation.mismatch(rank, operation, member, other), null));
                }
            }
        }

        private void checkPresent(int rank, Operation operation) {
            for (int member : operation.group().ranks()) {
                if (closed[member] && waiting[member] == null) {
                    fail(new CollectiveException(
                            member,
                            "rank " + member + " has left while rank " + rank + " waited for it in " + operation,
                            null));
                    throwIfFailed();
                }
            }
        }

        private String late(Operation operation) {
            List<Integer> missing = new ArrayList<>();
            for (int member : operation.group().ranks()) {
                if (!operation.equals(waiting[member])) {
                    missing.add(member);
                }
            }
            return operation + " did not end within " + deadline.toMillis() + " ms: ranks " + missing
                    + " have not come to it";
        }

        private Optional<CollectiveException> failure() {
            lock.lock();
            try {
                return Optional.ofNullable(failure);
            } finally {
                lock.unlock();
            }
        }

        private void throwIfFailed() {
            if (failure != null) {
                throw Failures.again(failure);
            }
        }

        private void fail(CollectiveException cause) {
            lock.lock();
            try {
                if (failure == null) {
                    failure = cause;
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        private void close(int rank) {
            lock.lock();
            try {
                closed[rank] = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }
}
