package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;

/**
 * Collective operations over host memory. Every rank of a group calls the same operations in the same order; a call
 * blocks until this rank's part is done. Buffers are direct, in native byte order; the bytes from position to limit
 * take part, and positions and limits are left as they were.
 *
 * <p>Sums are taken in an order that depends on the group alone, so that runs repeat bit by bit. Every operation ends
 * within the deadline, by a result or by a {@link CollectiveException} that names the first failing rank and its cause.
 * Not thread-safe: one caller at a time.
 */
public interface HostCollectives extends AutoCloseable {
    /** This rank in the world. */
    int rank();

    /** The number of ranks in the world. */
    int worldSize();

    /** Replaces {@code data} on every rank of {@code group} by the element-wise sum; FLOAT32 or FLOAT64. */
    void allReduceSum(ByteBuffer data, DType type, RankGroup group);

    /**
     * Sends the i-th of {@code group.size()} equal parts of {@code send} to the group's i-th rank and receives into the
     * i-th part of {@code receive} what that rank sent here. The buffers must not overlap.
     */
    void allToAll(ByteBuffer send, ByteBuffer receive, RankGroup group);

    /** Copies {@code data} of the world rank {@code root} to every rank of {@code group}. */
    void broadcast(ByteBuffer data, int root, RankGroup group);

    /** Returns once every rank of {@code group} has called it. */
    void barrier(RankGroup group);

    /**
     * Tells every rank that this one has failed and why, so that their operations end with this cause instead of a
     * broken connection. Idempotent.
     */
    void abort(Throwable cause);

    @Override
    void close();
}
