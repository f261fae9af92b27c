package dev.sparkswitch.collective;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;

/** Collectives on tensors in a card's memory by way of host memory: slower than any other, and possible everywhere. */
final class StagedCollectives implements Collectives {
    private final HostCollectives host;
    private final Engine engine;
    private ByteBuffer first = Routes.bytes(0);
    private ByteBuffer second = Routes.bytes(0);

    StagedCollectives(HostCollectives host, Engine engine) {
        this.host = host;
        this.engine = engine;
    }

    private ByteBuffer contents(Tensor tensor) {
        first = Routes.room(first, tensor);
        engine.download(tensor, first);
        return first;
    }

    /** The bytes of one of the {@code rows} of a tensor, of which the buffer holds the elements. */
    private static ByteBuffer row(ByteBuffer all, int row, int rows) {
        int width = all.remaining() / rows;
        return all.slice(row * width, width);
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
        return false;
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        if (group.size() > 1) {
            ByteBuffer contents = contents(data);
            host.allReduceSum(contents, data.type(), group);
            engine.upload(data, contents);
        }
        return Exchange.DONE;
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        int ranks = group.size();
        Tensor from = parts(send, ranks);
        Tensor to = parts(receive, ranks);
        first = Routes.room(first, from);
        second = Routes.room(second, to);
        for (int rank = 0; rank < ranks; rank++) {
            engine.download(from.slice(rank, rank + 1), row(first, rank, ranks));
        }
        host.allToAll(first, second, group);
        for (int rank = 0; rank < ranks; rank++) {
            engine.upload(to.slice(rank, rank + 1), row(second, rank, ranks));
        }
        return Exchange.DONE;
    }

    /** A row for each rank. */
    private static Tensor parts(Tensor tensor, int ranks) {
        return tensor.rowStride() == tensor.extent(-1)
                ? tensor.reshape(ranks, Math.toIntExact(tensor.size() / ranks))
                : tensor;
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        if (group.size() > 1) {
            ByteBuffer contents = contents(data);
            host.broadcast(contents, root, group);
            if (host.rank() != root) {
                engine.upload(data, contents);
            }
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
        return engine.moment();
    }

    @Override
    public String toString() {
        return "by way of host memory";
    }
}
