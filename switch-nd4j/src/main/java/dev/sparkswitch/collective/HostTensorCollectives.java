package dev.sparkswitch.collective;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.HostAddressable;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Collectives on tensors in host memory, which are sent and summed in place, by a thread beside the caller's, which goes on
 * computing while that waits for other ranks.
 */
public final class HostTensorCollectives implements Collectives {
    /** Few sums a step: each wakes a thread, where there may be no other core than the one that computes. */
    private static final int BUCKET_BYTES = 16 << 20;

    /** Of slots, whose experts take some milliseconds, one after the other. */
    private static final int CHUNK_BYTES = 1 << 20;

    private final HostCollectives host;
    private final ExecutorService beside;
    /** The operation that was started last; those before it end before it does. */
    private CompletableFuture<Void> last = CompletableFuture.completedFuture(null);

    public HostTensorCollectives(HostCollectives host) {
        this.host = host;
        this.beside = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "sparkswitch-exchanges-" + host.rank());
            thread.setDaemon(true);
            return thread;
        });
    }

    private static ByteBuffer bytes(Tensor tensor) {
        return ((HostAddressable) tensor).bytes();
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
    public int bucketBytes() {
        return BUCKET_BYTES;
    }

    @Override
    public int chunkBytes() {
        return CHUNK_BYTES;
    }

    /** Operations begin in the order of their starts, which is the same on all ranks. */
    private Exchange start(Runnable operation) {
        CompletableFuture<Void> started = CompletableFuture.runAsync(operation, beside);
        last = started;
        return () -> await(started);
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        if (group.size() == 1) {
            return Exchange.DONE;
        }
        ByteBuffer bytes = bytes(data);
        return start(() -> host.allReduceSum(bytes, data.type(), group));
    }

    private void await(CompletableFuture<Void> operation) {
        try {
            operation.get();
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CollectiveException known) {
                throw Failures.again(known);
            }
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new InternalException("an exchange between ranks failed", e.getCause());
        }
    }

    /** Nobody waits any more: what is under way ends. */
    private CollectiveException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        CollectiveException cause =
                new CollectiveException(rank(), "rank " + rank() + " was interrupted while it waited for others", e);
        host.abort(cause);
        return cause;
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        List<ByteBuffer> from = parts(send, group.size());
        List<ByteBuffer> to = parts(receive, group.size());
        return start(() -> host.allToAll(from, to, group));
    }

    /** To move rows to where they are sent from, or to where they are read, would cost a copy more. */
    @Override
    public boolean takesRowsApart(RankGroup group) {
        return true;
    }

    /** What belongs to each of {@code count} ranks: as many buffers for each. */
    private static List<ByteBuffer> parts(Tensor tensor, int count) {
        if (tensor.axes() == 3) {
            return rowsApart(tensor, count);
        }
        if (tensor.rows() <= 1 || tensor.rowStride() == tensor.extent(-1)) {
            return Spans.parts(bytes(tensor), count, tensor.toString());
        }
        List<ByteBuffer> rows = new ArrayList<>(count);
        for (int row = 0; row < tensor.rows(); row++) {
            rows.add(bytes(tensor.slice(row, row + 1)));
        }
        return rows;
    }

    /** [:, i, :] for each rank i. */
    private static List<ByteBuffer> rowsApart(Tensor tensor, int count) {
        if (tensor.extent(1) != count || tensor.rowStride() != tensor.extent(2)) {
            throw new IllegalArgumentException("allToAll among " + count + " does not take " + tensor);
        }
        ByteBuffer all = bytes(tensor);
        int row = tensor.extent(2) * tensor.type().bytes();
        List<ByteBuffer> rows = new ArrayList<>(count * tensor.extent(0));
        for (int rank = 0; rank < count; rank++) {
            for (int i = 0; i < tensor.extent(0); i++) {
                rows.add(Spans.slice(all, (i * count + rank) * row, row));
            }
        }
        return rows;
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        if (group.size() > 1) {
            start(() -> host.broadcast(bytes(data), root, group)).await();
        }
    }

    @Override
    public void barrier(RankGroup group) {
        if (group.size() > 1) {
            start(() -> host.barrier(group)).await();
        }
    }

    @Override
    public Moment moment() {
        return Moment.now();
    }

    /** Returns when no tensor is in use any more: what was started ends, with the others or by their failure. */
    @Override
    public void close() {
        CompletableFuture<Void> ended = last.exceptionally(told -> null);
        try {
            ended.get();
        } catch (InterruptedException e) {
            interrupted(e);
            ended.join();
        } catch (ExecutionException e) {
            throw new InternalException("an exchange between ranks ended as it cannot", e);
        }
        beside.shutdown();
    }

    @Override
    public String toString() {
        return "in host memory";
    }
}
