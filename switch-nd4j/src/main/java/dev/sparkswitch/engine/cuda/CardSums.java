package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import java.util.function.BooleanSupplier;
import java.util.function.LongUnaryOperator;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * Sums over cards of one process by copies: each card adds up one part, which all others have copied into its memory, in the
 * order of the cards, and copies the sums into theirs. Beside what the engine computes it takes a few multiprocessors for the
 * time of reading the parts, where a library's kernels hold theirs for as long as numbers travel.
 */
final class CardSums {
    /** Below, a sum is over before copies have begun. */
    private static final long LEAST_BYTES = 1 << 20;
    /** Above, a sum is likely to be one that nothing runs beside: it may have all multiprocessors. */
    private static final long MOST_BYTES = 64 << 20;
    /** Numbers that the kernel takes at once. */
    private static final int FOUR = 4;

    private static final int ALIGNMENT = 16;

    /** Adds up on the card. */
    @FunctionalInterface
    interface Adder {
        /**
         * The numbers at {@code own} become the sums over all members, in their order.
         *
         * @param parts [members, count], of which that of {@code index} is not looked at: it is the numbers themselves
         */
        void add(long own, long parts, int members, int index, long count, CUstream_st order);
    }

    /** What a card keeps for all its groups: they sum one after the other. */
    static final class Room {
        private final LongUnaryOperator allocateShared;
        private long parts;
        private long sums;

        Room(LongUnaryOperator allocateShared) {
            this.allocateShared = allocateShared;
        }

        /** Whether there is room: every card makes it at the same time, in the order of its shared blocks. */
        private boolean made() {
            if (parts == 0) {
                parts = allocateShared.applyAsLong(MOST_BYTES);
                sums = allocateShared.applyAsLong(MOST_BYTES);
            }
            return parts != 0 && sums != 0;
        }
    }

    private final CardCopies copies;
    private final Room room;
    private final Adder adder;
    private final int index;
    private final int size;
    private final CUstream_st stream;

    /** @param stream the order of exchanges */
    CardSums(CardCopies copies, Room room, Adder adder, int index, int size, CUstream_st stream) {
        this.copies = copies;
        this.room = room;
        this.adder = adder;
        this.index = index;
        this.size = size;
        this.stream = stream;
    }

    /** Whether to sum so: the same on every member. */
    boolean takes(DType type, long address, long count) {
        long bytes = count * Float.BYTES;
        return type == DType.FLOAT32
                && address % ALIGNMENT == 0
                && bytes >= LEAST_BYTES
                && bytes <= MOST_BYTES
                && count % ((long) FOUR * size) == 0;
    }

    /** Adds the sum of {@code count} numbers to the order of exchanges. */
    void sum(long address, long count, BooleanSupplier givenUp) {
        if (!room.made()) {
            throw new IllegalStateException("no memory is left for sums over cards");
        }
        long part = count / size;
        long bytes = part * Float.BYTES;
        long own = address + index * bytes;
        copies.send(parts(address, bytes, bytes), parts(room.parts, bytes, bytes), givenUp);
        adder.add(own, room.parts, size, index, part, stream);
        copies.waysFollow();
        copies.send(parts(own, 0, bytes), parts(room.sums, bytes, bytes), givenUp);
        take(address, 0, index, bytes);
        take(address, index + 1, size, bytes);
    }

    private static CardParts parts(long address, long stride, long bytes) {
        return new CardParts(address, stride, 1, 0, bytes);
    }

    /** Moves the sums of members {@code first} to {@code end} (exclusive) to where the numbers were. */
    private void take(long address, int first, int end, long bytes) {
        if (end > first) {
            Cuda.check(
                    cudart.cuMemcpyAsync(
                            address + first * bytes, room.sums + first * bytes, (end - first) * bytes, stream),
                    "cuMemcpyAsync",
                    "sums over cards");
        }
    }
}
