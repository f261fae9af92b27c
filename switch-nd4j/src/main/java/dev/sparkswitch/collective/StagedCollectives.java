package dev.sparkswitch.collective;

import dev.sparkswitch.engine.Engine;
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

    private static ByteBuffer room(ByteBuffer known, Tensor tensor) {
        int bytes = Math.toIntExact(tensor.size() * tensor.type().bytes());
        ByteBuffer buffer = known.capacity() < bytes ? Routes.bytes(bytes) : known;
        return buffer.clear().limit(bytes);
    }

    private ByteBuffer contents(Tensor tensor) {
        first = room(first, tensor);
        engine.download(tensor, first);
        return first;
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
            ByteBuffer contents = contents(data);
            host.allReduceSum(contents, data.type(), group);
            engine.upload(data, contents);
        }
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        ByteBuffer contents = contents(send);
        second = room(second, receive);
        host.allToAll(contents, second, group);
        engine.upload(receive, second);
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
    public String toString() {
        return "by way of host memory";
    }
}
