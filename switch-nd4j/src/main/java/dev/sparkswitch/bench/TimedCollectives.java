package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;

/** Collectives that mark, while they are told to, when each began and ended, waiting for other ranks included. */
final class TimedCollectives implements Collectives {
    private final Collectives collectives;
    private final Engine engine;
    private final Timeline timeline;

    /** Times {@code collectives}, which are closed with this, by the clock of {@code engine}. */
    TimedCollectives(Collectives collectives, Engine engine, Timeline timeline) {
        this.collectives = collectives;
        this.engine = engine;
        this.timeline = timeline;
    }

    private void timed(String operation, RankGroup group, Runnable work) {
        if (!timeline.isOn() || group.size() == 1) {
            work.run();
            return;
        }
        Moment start = engine.moment();
        work.run();
        timeline.add(Phase.COMMUNICATION, operation + " among " + group.size() + " ranks", 0, start, engine.moment());
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
        timed("allReduceSum " + data, group, () -> collectives.allReduceSum(data, group));
    }

    @Override
    public void allToAll(Tensor send, Tensor receive, RankGroup group) {
        timed("allToAll " + send, group, () -> collectives.allToAll(send, receive, group));
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {
        timed("broadcast " + data, group, () -> collectives.broadcast(data, root, group));
    }

    @Override
    public void barrier(RankGroup group) {
        timed("barrier", group, () -> collectives.barrier(group));
    }

    @Override
    public void close() {
        collectives.close();
    }
}
