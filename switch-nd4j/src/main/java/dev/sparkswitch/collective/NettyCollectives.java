package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Collectives over TCP, or over sockets in the file system between ranks of one host: one authenticated connection between any
 * two ranks, used in both directions at once.
 *
 * <p>All-reduce is a reduce-scatter followed by an all-gather: each rank of a group of n receives its n-th of the
 * elements from every other rank, sums it block by block and sends each block of the sum to all while the next is still
 * on its way. Every rank sends and receives 2 (n-1)/n of the data, as in a ring; unlike in a ring every element is
 * summed in ascending order of the ranks, wherever in the buffer it lies, so that the bits of a sum do not depend on
 * how gradients were put together in buffers, and there are two steps instead of 2 (n-1). Up to {@value #SMALL_BYTES}
 * bytes, each rank sends everything to all and sums by itself, in the same order. All-to-all exchanges with all peers
 * at once, beginning with the next rank, so that no rank is everyone's first.
 *
 * <p>Sends read the caller's memory directly; what is received is copied once, from the buffer it was read into. A
 * receiver that is late holds its senders back through the connection. An operation returns, or throws, only when no memory of the
 * caller is in use any more.
 */
public final class NettyCollectives implements HostCollectives {
    private static final int SMALL_BYTES = 32 * 1024;

    private final int rank;
    private final int worldSize;
    private final Mesh mesh;
    private final long deadlineNanos;
    private final OperationLog operations;
    private final Map<RankGroup, Integer> groups = new HashMap<>();
    private final BlockSum sum = new BlockSum();
    private final ByteBuffer scratch =
            ByteBuffer.allocateDirect(BlockSum.BLOCK_BYTES).order(ByteOrder.nativeOrder());
    private volatile boolean closed;

    private NettyCollectives(Mesh mesh, NettyOptions options) {
        this.mesh = mesh;
        this.rank = mesh.place().rank();
        this.worldSize = mesh.place().worldSize();
        this.deadlineNanos = options.deadline().toNanos();
        this.operations = new OperationLog(rank, worldSize);
    }

    /**
     * Connects this rank with all others of its world; every rank calls it at the same time.
     *
     * @throws CollectiveException if a rank cannot be reached, or does not prove the run's secret
     */
    public static NettyCollectives connect(Rendezvous rendezvous, NettyOptions options) {
        return new NettyCollectives(Mesh.connect(rendezvous, options), options);
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int worldSize() {
        return worldSize;
    }

    @Override
    public void allReduceSum(ByteBuffer data, DType type, RankGroup group) {
        Operation operation = operations.allReduce(data, type, group);
        run(new Call(operation), call -> {
            int count = data.remaining() / type.bytes();
            if (call.size == 1) {
                return;
            }
            if (operation.bytes() <= SMALL_BYTES || count < group.size()) {
                reduceDirectly(call, data);
            } else {
                reduceScatter(call, data);
                gather(call, data);
            }
        });
    }

    /** Everything to everyone: from a copy, because the sum is written while the peers may still be sent to. */
    private void reduceDirectly(Call call, ByteBuffer data) {
        int bytes = data.remaining();
        ByteBuf copy = PooledByteBufAllocator.DEFAULT.directBuffer(bytes);
        copy.writeBytes(data.slice());
        for (int step = 1; step < call.size; step++) {
            call.peer(call.me + step).send(call.operation, call.group, copy.retainedDuplicate());
        }
        copy.release();
        sum.start(call.operation.type());
        for (int i = 0; i < call.size; i++) {
            sum.add(i == call.me ? data : received(call, i, bytes));
        }
        sum.store(data);
    }

    private void reduceScatter(Call call, ByteBuffer data) {
        for (int step = 1; step < call.size; step++) {
            int to = (call.me + step) % call.size;
            call.send(to, Spans.slice(data, call.start(to), call.start(to + 1) - call.start(to)));
        }
        int end = call.start(call.me + 1);
        int unsent = call.start(call.me);
        for (int at = unsent; at < end; at += BlockSum.BLOCK_BYTES) {
            int bytes = Math.min(BlockSum.BLOCK_BYTES, end - at);
            ByteBuffer block = Spans.slice(data, at, bytes);
            sum.start(call.operation.type());
            for (int i = 0; i < call.size; i++) {
                sum.add(i == call.me ? block : received(call, i, bytes));
            }
            sum.store(block);
            int summed = at + bytes;
            if (summed - unsent >= Frames.DATA_BYTES || summed == end) {
                for (int step = 1; step < call.size; step++) {
                    call.send((call.me + step) % call.size, Spans.slice(data, unsent, summed - unsent));
                }
                unsent = summed;
            }
        }
    }

    /** Takes the others' blocks in turn, so that none of them is held back for long. */
    private void gather(Call call, ByteBuffer data) {
        boolean more = true;
        for (int done = 0; more; done += Frames.DATA_BYTES) {
            more = false;
            for (int step = 1; step < call.size; step++) {
                int from = (call.me + call.size - step) % call.size;
                int left = call.start(from + 1) - call.start(from) - done;
                if (left > 0) {
                    int bytes = Math.min(Frames.DATA_BYTES, left);
                    call.receive(from, Spans.slice(data, call.start(from) + done, bytes));
                    more = true;
                }
            }
        }
    }

    private ByteBuffer received(Call call, int from, int bytes) {
        scratch.clear().limit(bytes);
        call.receive(from, scratch);
        return scratch.flip();
    }

    @Override
    public void allToAll(List<ByteBuffer> send, List<ByteBuffer> receive, RankGroup group) {
        Operation operation = operations.allToAll(send, receive, group);
        run(new Call(operation), call -> {
            int part = Math.toIntExact(operation.bytes() / call.size);
            if (part == 0) {
                exchangeNothing(call);
                return;
            }
            for (int step = 1; step < call.size; step++) {
                int to = (call.me + step) % call.size;
                for (ByteBuffer piece : Spans.run(send, to, call.size)) {
                    call.send(to, piece.slice());
                }
            }
            Spans.copy(Spans.run(send, call.me, call.size), Spans.run(receive, call.me, call.size));
            for (int done = 0; done < part; done += Frames.DATA_BYTES) {
                int bytes = Math.min(Frames.DATA_BYTES, part - done);
                for (int step = 1; step < call.size; step++) {
                    int from = (call.me + call.size - step) % call.size;
                    receive(call, from, Spans.run(receive, from, call.size), done, bytes);
                }
            }
        });
    }

    /** Fills {@code bytes} bytes from the {@code done}-th on of buffers that are filled one after the other. */
    private static void receive(Call call, int from, List<ByteBuffer> pieces, int done, int bytes) {
        int size = pieces.get(0).remaining();
        int end = done + bytes;
        for (int at = done; at < end; ) {
            int begin = at % size;
            int length = Math.min(size - begin, end - at);
            call.receive(from, Spans.slice(pieces.get(at / size), begin, length));
            at += length;
        }
    }

    /** An empty message to and from every other rank. */
    private void exchangeNothing(Call call) {
        for (int step = 1; step < call.size; step++) {
            call.peer(call.me + step).send(call.operation, call.group, Unpooled.EMPTY_BUFFER);
        }
        for (int step = 1; step < call.size; step++) {
            received(call, (call.me + call.size - step) % call.size, 0);
        }
    }

    @Override
    public void broadcast(ByteBuffer data, int root, RankGroup group) {
        Operation operation = operations.broadcast(data, root, group);
        run(new Call(operation), call -> {
            if (rank != root) {
                call.receive(group.indexOf(root), data.slice());
                return;
            }
            for (int step = 1; step < call.size; step++) {
                call.send((call.me + step) % call.size, data.slice());
            }
        });
    }

    @Override
    public void barrier(RankGroup group) {
        Operation operation = operations.barrier(group);
        run(new Call(operation), this::exchangeNothing);
    }

    @Override
    public void abort(Throwable cause) {
        if (!closed) {
            mesh.fate().fail(Failures.ofRank(rank, cause));
        }
    }

    @Override
    public Optional<CollectiveException> failure() {
        return mesh.failure();
    }

    @Override
    public Duration deadline() {
        return Duration.ofNanos(deadlineNanos);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            mesh.close();
        }
    }

    private interface Body {
        void run(Call call);
    }

    private void run(Call call, Body body) {
        if (closed) {
            throw new IllegalStateException("the collectives of rank " + rank + " are closed");
        }
        mesh.fate().check();
        try {
            body.run(call);
            mesh.awaitSent(call.operation, call.deadline);
        } catch (RuntimeException | Error e) {
            abort(e);
            mesh.letGo();
            throw e;
        }
    }

    private int number(RankGroup group) {
        Integer known = groups.get(group);
        if (known != null) {
            return known;
        }
        if (groups.size() == Frames.GROUPS) {
            throw new IllegalStateException("more than " + Frames.GROUPS + " groups");
        }
        groups.put(group, groups.size());
        return groups.size() - 1;
    }

    /** One operation under way; ranks are given by their place in the group. */
    private final class Call {
        private final Operation operation;
        private final int group;
        private final int size;
        private final int me;
        private final long deadline;

        private Call(Operation operation) {
            this.operation = operation;
            this.group = number(operation.group());
            this.size = operation.group().size();
            this.me = operation.group().indexOf(rank);
            this.deadline = System.nanoTime() + deadlineNanos;
        }

        private Peer peer(int index) {
            return mesh.peer(operation.group().ranks().get(index % size));
        }

        private void send(int to, ByteBuffer data) {
            peer(to).send(operation, group, Unpooled.wrappedBuffer(data));
        }

        private void receive(int from, ByteBuffer data) {
            peer(from).receive(operation, data, deadline);
        }

        /** The first byte of the span that the {@code index}-th rank sums. */
        private int start(int index) {
            int elementBytes = operation.type().bytes();
            return Spans.start((int) (operation.bytes() / elementBytes), index, size) * elementBytes;
        }
    }
}
