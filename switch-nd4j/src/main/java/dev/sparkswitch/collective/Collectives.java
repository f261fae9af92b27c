package dev.sparkswitch.collective;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/** {@link HostCollectives}' operations on tensors, wherever they live. The same rules of order, deadline and failure hold. */
public interface Collectives extends AutoCloseable {
    /**
     * The quickest way that the tensors of {@code engine} have to the other ranks': from card to card, in place in host memory,
     * or by way of it. All ranks call it at the same time and get the same.
     *
     * @param host the connections, which stay the caller's
     */
    static Collectives of(HostCollectives host, Engine engine) {
        return Routes.choose(host, engine);
    }

    /** This rank in the world. */
    int rank();

    /** The number of ranks in the world. */
    int worldSize();

    /** Replaces {@code data} on every rank of {@code group} by the element-wise sum. */
    void allReduceSum(Tensor data, RankGroup group);

    /** Sends the i-th of equal parts to the group's i-th rank and receives its part for this one. */
    void allToAll(Tensor send, Tensor receive, RankGroup group);

    /** Copies {@code data} of the world rank {@code root} to every rank of {@code group}. */
    void broadcast(Tensor data, int root, RankGroup group);

    /** Returns once every rank of {@code group} has called it. */
    void barrier(RankGroup group);

    @Override
    default void close() {}
}
