package dev.sparkswitch.collective;

import dev.sparkswitch.engine.HostAddressable;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;

/** Collectives on tensors in host memory, which are sent and summed in place. */
public final class HostTensorCollectives implements Collectives {
    private final HostCollectives host;
    private ByteBuffer sent = Routes.bytes(0);
    private ByteBuffer received = Routes.bytes(0);

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
    public boolean overlaps() {
        return false;
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        if (group.size() > 1) {
            host.allReduceSum(bytes(data), data.type(), group);
        }
        return Exchange.DONE;
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        ByteBuffer from = isView(send) ? gathered(send) : bytes(send);
        if (!isView(receive)) {
            host.allToAll(from, bytes(receive), group);
            return Exchange.DONE;
        }
        received = Routes.room(received, receive);
        host.allToAll(from, received, group);
        ByteBuffer rows = received.duplicate();
        int width = rows.remaining() / receive.rows();
        for (int row = 0; row < receive.rows(); row++) {
            bytes(receive.slice(row, row + 1)).put(rows.slice(row * width, width));
        }
        return Exchange.DONE;
    }

    private static boolean isView(Tensor tensor) {
        return tensor.rows() > 1 && tensor.rowStride() != tensor.extent(-1);
    }

    private ByteBuffer gathered(Tensor view) {
        sent = Routes.room(sent, view);
        ByteBuffer rows = sent.duplicate();
        for (int row = 0; row < view.rows(); row++) {
            rows.put(bytes(view.slice(row, row + 1)));
        }
        return sent;
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
    public Moment moment() {
        return Moment.now();
    }

    @Override
    public String toString() {
        return "in host memory";
    }
}
