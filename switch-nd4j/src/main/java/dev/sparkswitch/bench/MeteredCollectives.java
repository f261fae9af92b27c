package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import java.util.function.Supplier;

/**
 * Collectives that tell a timeline of each, waiting for other ranks included: what the engine's operations wait for, and what the
 * exchange takes itself, beside them or not.
 */
final class MeteredCollectives implements Collectives {
    private final Collectives collectives;
    private final Timeline timeline;

    /** Meters {@code collectives}, which are closed with this. */
    MeteredCollectives(Collectives collectives, Timeline timeline) {
        this.collectives = collectives;
        this.timeline = timeline;
    }

    private Exchange metered(String operation, RankGroup group, Tensor data, Supplier<Exchange> start) {
        if (group.size() == 1 || !timeline.marksExchanges()) {
            return start.get();
        }
        String name = operation + " " + data + " among " + group.size() + " ranks";
        Moment began = collectives.moment();
        Exchange started = exposed("start of " + name, start);
        timeline.exchange(name, began, collectives.moment());
        return () -> exposed("wait for " + name, () -> {
            started.await();
            return null;
        });
    }

    private <T> T exposed(String operation, Supplier<T> work) {
        return timeline.measure(Phase.COMMUNICATION, operation, 0, 0, work);
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
    public boolean overlaps() {
        return collectives.overlaps();
    }

    @Override
    public int bucketBytes() {
        return collectives.bucketBytes();
    }

    @Override
    public boolean sums(DType type) {
        return collectives.sums(type);
    }

    @Override
    public int chunkBytes() {
        return collectives.chunkBytes();
    }

    @Override
    public boolean takesRowsApart(RankGroup group) {
        return collectives.takesRowsApart(group);
    }

    @Override
    public Tensor receiver(Engine engine, RankGroup group, DType type, int... shape) {
        return collectives.receiver(engine, group, type, shape);
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        return metered("allReduceSum", group, data, () -> collectives.startAllReduceSum(data, group));
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        return metered("allToAll", group, send, () -> collectives.startAllToAll(send, receive, group));
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        collectives.broadcast(data, root, group);
    }

    @Override
    public void barrier(RankGroup group) {
        collectives.barrier(group);
    }

    @Override
    public Moment moment() {
        return collectives.moment();
    }

    @Override
    public void close() {
        collectives.close();
    }
}
