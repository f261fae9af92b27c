package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;

/**
 * {@link HostCollectives}' operations on tensors, wherever they live. The same rules of order, deadline and failure hold.
 *
 * <p>A start may return before its operation has ended, which then runs beside what the engine is asked for meanwhile. The
 * tensors that take part may be neither read nor written nor closed until it is awaited. Operations run in the order of their
 * starts.
 */
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

    /** Whether what is started runs beside the engine's operations; otherwise it is over when its start returns. */
    boolean overlaps();

    /**
     * Whether {@link #startAllToAll} in {@code group} takes tensors of three axes, of which [:, i, :] is the part of the group's
     * i-th rank.
     */
    default boolean takesRowsApart(RankGroup group) {
        return false;
    }

    /**
     * A tensor of {@code engine}, with undefined contents, for {@link #startAllToAll} in {@code group} to receive in. The group's
     * ranks ask for the same in the same order, and close the same. It belongs to the exchange from here on: the earlier it is made,
     * the sooner others send.
     */
    default Tensor receiver(Engine engine, RankGroup group, DType type, int... shape) {
        return engine.allocate(type, shape);
    }

    /** Bytes of gradients, at least, whose sum is worth a start of its own. */
    default int bucketBytes() {
        return 32 << 20;
    }

    /** Bytes of slots for other ranks, at least, whose exchange is worth a start of its own where exchanges {@linkplain #overlaps overlap}. */
    default int chunkBytes() {
        return 12 << 20;
    }

    /** Whether {@link #startAllReduceSum} takes tensors of that type, as it takes FLOAT32 and FLOAT64. */
    default boolean sums(DType type) {
        return type == DType.FLOAT32 || type == DType.FLOAT64;
    }

    /** Starts to replace {@code data} on every rank of {@code group} by the element-wise sum. */
    Exchange startAllReduceSum(Tensor data, RankGroup group);

    /**
     * Starts to send the i-th of equal parts to the group's i-th rank and to receive its part for this one: of a matrix or
     * view of columns the rows, one for each rank. {@code receive} is made by {@link #receiver}.
     */
    Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group);

    /** Replaces {@code data} on every rank of {@code group} by the element-wise sum. */
    default void allReduceSum(Tensor data, RankGroup group) {
        startAllReduceSum(data, group).await();
    }

    /** Copies {@code data} of the world rank {@code root} to every rank of {@code group}. */
    void broadcast(Tensor data, int root, RankGroup group);

    /** Returns once every rank of {@code group} has called it. */
    void barrier(RankGroup group);

    /** The moment at which all is done that the engine was asked for and that was started here, on the operations' clock. */
    Moment moment();

    @Override
    default void close() {}
}
