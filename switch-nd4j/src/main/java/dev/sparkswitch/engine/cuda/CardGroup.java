package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Tensor;
import java.util.Optional;

/**
 * This engine's card among others that exchange tensors directly. Operations run in an order of their own, the same for all
 * groups of a card, beside the engine's: one begins when what the engine was asked for before its start is done, and what the
 * engine is asked for after {@link Started#await} begins when it has ended. In between the tensors that take part may be
 * neither read nor written nor closed. Every member starts the same operations in the same order. Sums repeat bit by bit for
 * the same members.
 *
 * <p>Not thread-safe, but for {@link #fault}, {@link #pending} and {@link #abort}.
 */
public interface CardGroup extends AutoCloseable {
    /** An operation under way. */
    interface Started {
        /** Lets the engine go on only when the operation has ended; the host need not wait. To be called once. */
        void await();
    }

    /** Replaces {@code data} on every member by the element-wise sum; BFLOAT16, FLOAT32 or FLOAT64. */
    Started allReduceSum(Tensor data);

    /**
     * Whether members write into each other's memory. Then {@link #allToAll} receives in tensors of
     * {@link CudaEngine#allocateShared} alone, and takes parts whose rows lie apart in no more time.
     */
    boolean writesAcross();

    /**
     * Lets members write to what {@link #allToAll} is to receive in, where they {@linkplain #writesAcross write across}, from when
     * the engine has done what it was asked for so far; before any exchange that receives there. Until those have ended nobody
     * else reads or writes it. Every member calls it for the same tensors in the same order.
     */
    void expect(Tensor receive);

    /**
     * Sends the i-th of equal parts to the i-th member and receives its part for this one. Either tensor is a matrix or a view of
     * columns, with a row for each member, or has three axes, of which [:, i, :] is the i-th part, where members
     * {@linkplain #writesAcross write across}.
     */
    Started allToAll(Tensor send, Tensor receive);

    /** Copies {@code data} of the member {@code root} to every member. */
    Started broadcast(Tensor data, int root);

    /** What went wrong since; empty where nothing has. */
    Optional<String> fault();

    /** Whether an operation that was started is not done yet. */
    boolean pending();

    /** Ends what hangs: the card goes on as if the operations were done, with undefined contents. Idempotent. */
    void abort();

    /** Leaves the group; nothing of it may be pending. */
    @Override
    void close();
}
