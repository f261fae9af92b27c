package dev.sparkswitch.collective;

import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;

/** The collectives of a world of one rank: nothing to sum with, nobody to send to. */
public final class SingleRank implements Collectives {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int worldSize() {
        return 1;
    }

    @Override
    public boolean overlaps() {
        return false;
    }

    @Override
    public Exchange startAllReduceSum(Tensor data, RankGroup group) {
        return Exchange.DONE;
    }

    @Override
    public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
        throw new IllegalStateException("a single rank exchanges nothing");
    }

    @Override
    public void broadcast(Tensor data, int root, RankGroup group) {}

    @Override
    public void barrier(RankGroup group) {}

    @Override
    public Moment moment() {
        return Moment.now();
    }
}
