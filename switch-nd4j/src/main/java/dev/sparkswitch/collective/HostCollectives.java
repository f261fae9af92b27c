package dev.sparkswitch.collective;

import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Collective operations over host memory. Every rank of a group calls the same operations in the same order; a call
 * blocks until this rank's part is done. Buffers are direct, in native byte order; the bytes from position to limit
 * take part, and positions and limits are left as they were.
 *
 * <p>Every element is summed in ascending order of the group's ranks, ((x0 + x1) + x2) + ..., wherever in the buffer it
 * lies: sums repeat bit by bit, on every implementation, and do not depend on how values are put together in buffers.
 *
 * <p>Every operation ends within the deadline, by a result or by a {@link CollectiveException} that names the first
 * failing rank and its cause. A failure is final: what is called afterwards fails with the same cause. Ranks that call
 * different operations, sizes, types or groups fail with a message that names both calls. When an operation has
 * returned or thrown, its buffers are no longer in use.
 *
 * <p>Not thread-safe: one caller at a time; {@link #abort} and {@link #failure} alone may be called from another thread.
 */
public interface HostCollectives extends AutoCloseable {
    /** This rank, 0 to {@code worldSize() - 1}. */
    int rank();

    /** The number of ranks in the world. */
    int worldSize();

    /**
     * Replaces {@code data} on every rank of {@code group} by the element-wise sum; FLOAT32 or FLOAT64.
     *
     * @throws IllegalArgumentException for another type, a buffer that is not direct or not of whole elements, or a
     *     group without this rank
     */
    void allReduceSum(ByteBuffer data, DType type, RankGroup group);

    /**
     * Sends the i-th of {@code group.size()} equal parts of {@code send} to the group's i-th rank and receives into the
     * i-th part of {@code receive} what that rank sent here. The buffers must not overlap.
     */
    default void allToAll(ByteBuffer send, ByteBuffer receive, RankGroup group) {
        allToAll(Spans.parts(send, group.size(), "send"), Spans.parts(receive, group.size(), "receive"), group);
    }

    /**
     * Sends the i-th of {@code group.size()} equal runs of buffers of {@code send} to the group's i-th rank and receives into the
     * i-th run of {@code receive}, one buffer after the other, what that rank sent here. The buffers of {@code send} are of one
     * size, and so are those of {@code receive}.
     */
    void allToAll(List<ByteBuffer> send, List<ByteBuffer> receive, RankGroup group);

    /** Copies {@code data} of the world rank {@code root} to every rank of {@code group}. */
    void broadcast(ByteBuffer data, int root, RankGroup group);

    /** Returns once every rank of {@code group} has called it. */
    void barrier(RankGroup group);

    /**
     * Tells every rank that this one has failed and why, so that their operations end with this cause instead of a
     * broken connection. Idempotent.
     */
    void abort(Throwable cause);

    /** The first failure that this rank has learned of. */
    Optional<CollectiveException> failure();

    /** How long an operation may take. */
    Duration deadline();

    /** Takes leave of the others. Without {@link #abort} before, a rank that still waits for this one fails. */
    @Override
    void close();
}
