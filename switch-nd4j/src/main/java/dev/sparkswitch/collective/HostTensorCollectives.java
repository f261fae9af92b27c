package dev.sparkswitch.collective;

import dev.sparkswitch.engine.HostAddressable;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;

/** Collectives on tensors in host memory, which are sent and summed in place. */
public final class HostTensorCollectives implements Collectives {
    private final HostCollectives host;

    public HostTensorCollectives(HostCollectives host) {
        this.host = host;
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
    public void allReduceSum(Tensor data, RankGroup group) {
        if (group.size() > 1) {
            host.allReduceSum(bytes(data), data.type(), group);
        }
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        host.allToAll(bytes(send), bytes(receive), group);
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        if (group.size() > 1) {
            host.broadcast(bytes(data), root, group);
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
        return "in host memory";
    }
}
