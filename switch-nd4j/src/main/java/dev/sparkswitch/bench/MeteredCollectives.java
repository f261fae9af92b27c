package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Tensor;

/** Collectives that tell a meter of each, waiting for other ranks included. */
final class MeteredCollectives implements Collectives {
    private final Collectives collectives;
    private final Meter meter;

    /** Meters {@code collectives}, which are closed with this. */
    MeteredCollectives(Collectives collectives, Meter meter) {
        this.collectives = collectives;
        this.meter = meter;
    }

    private void metered(String operation, RankGroup group, double bytes, Runnable work) {
        if (group.size() == 1) {
            work.run();
            return;
        }
        meter.measure(Phase.COMMUNICATION, operation + " among " + group.size() + " ranks", 0, bytes, () -> {
            work.run();
            return null;
        });
    }

    @Override
    public int rank() {
        return collectives.rank();
    }

    @Override
    public int worldSize() {
        return collectives.worldSize();
    }

    @Override
    public void allReduceSum(Tensor data, RankGroup group) {
        metered("allReduceSum " + data, group, MeteredEngine.bytes(data), () -> collectives.allReduceSum(data, group));
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        metered("allToAll " + send, group, MeteredEngine.bytes(send), () -> collectives.allToAll(send, receive, group));
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        metered("broadcast " + data, group, MeteredEngine.bytes(data), () -> collectives.broadcast(data, root, group));
    }

    @Override
    public void barrier(RankGroup group) {
        metered("barrier", group, 0, () -> collectives.barrier(group));
    }

    @Override
    public void close() {
        collectives.close();
    }
}
