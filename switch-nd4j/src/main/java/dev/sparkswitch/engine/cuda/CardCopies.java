package dev.sparkswitch.engine.cuda;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.bytedeco.cuda.cudart.CUDA_MEMCPY2D_v2;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/**
 * The cards of a group within one process write into each other's memory, by their copy engines: no multiprocessor is kept from
 * computing, and rows land where they are read. Of every member each card has two counters: how many exchanges the member's
 * memory was ready for, and how many of its parts have arrived. Members count up each other's as they go, in their order of
 * exchanges, and the order of each waits for those of its own card; no host waits.
 */
final class CardCopies {
    private static final Map<ByteBuffer, Meeting> MEETINGS = new HashMap<>();
    private static final String WHAT = "copies between cards";
    /** What a counter is ahead of all waits by, once nobody shall wait any more. */
    private static final int FAR = 1 << 30;

    private static final long LOOK_MILLIS = 1;
    private static final long MOST_SECONDS = 5;

    /** A member of {@code all}, and where its counters lie. */
    private record Member(CardMember card, long counters, int all) {}

    private static final class Meeting {
        private final Member[] members;
        /** Of members that will wait for no other any more. */
        private final CountDownLatch leaving;

        Meeting(int size) {
            members = new Member[size];
            leaving = new CountDownLatch(size);
        }
    }

    private final CardMember card;
    private final int index;
    private final int size;
    private final CUstream_st stream;
    /** In which this card's own part moves, beside the others'. */
    private final ExchangeStream aside;

    private final ByteBuffer key;
    private final Meeting meeting;
    private final long counters;
    private final CUDA_MEMCPY2D_v2 rows = new CUDA_MEMCPY2D_v2();
    /** Exchanges so far. */
    private volatile int number;

    /** Makes this card known to other members of the process; to be called before they {@link #meet}. */
    CardCopies(CardMember card, ExchangeStream exchanges, byte[] id, int index, int size) {
        this.card = card;
        this.index = index;
        this.size = size;
        this.stream = exchanges.stream();
        this.aside = new ExchangeStream(stream);
        long[] address = new long[1];
        Cuda.check(cudart.cuMemAlloc(address, 2L * size * Integer.BYTES), "cuMemAlloc", WHAT);
        this.counters = address[0];
        setCounters(0);
        Cuda.check(cudart.cuStreamSynchronize(aside.stream()), "cuStreamSynchronize", WHAT);
        this.key = ByteBuffer.wrap(id.clone());
        synchronized (MEETINGS) {
            meeting = MEETINGS.computeIfAbsent(key, unused -> new Meeting(size));
            meeting.members[index] = new Member(card, counters, size);
        }
    }

    /** Whether all members belong to this process and reach each other: once each was made known. */
    boolean meet() {
        synchronized (MEETINGS) {
            MEETINGS.remove(key);
            for (Member one : meeting.members) {
                for (Member other : meeting.members) {
                    if (one == null
                            || other == null
                            || one != other && !one.card().reaches(other.card())) {
                        return false;
                    }
                }
            }
        }
        for (Member member : meeting.members) {
            if (member.card() != card) {
                card.open(member.card());
            }
        }
        return true;
    }

    /** Where a member counts how often {@code other} was ready. */
    private static long ready(Member member, int other) {
        return member.counters() + (long) other * Integer.BYTES;
    }

    /** Where a member counts how many of {@code other}'s parts have arrived. */
    private static long arrived(Member member, int other) {
        return member.counters() + (long) (member.all() + other) * Integer.BYTES;
    }

    /**
     * Adds an exchange to the order of exchanges.
     *
     * @param to in a shared block, at the same place on every member
     * @param givenUp whether to stop waiting for another member's memory
     */
    void allToAll(CardParts from, CardParts to, BooleanSupplier givenUp) {
        SharedBlocks.Place place = card.shared().place(to.address());
        long bytes = card.shared().bytes(place.number());
        int exchange = number + 1;
        number = exchange;
        for (int i = 1; i < size; i++) {
            count(ready(member(i), index), exchange);
        }
        aside.followEngine();
        copy(from, from.at(index, 0), to, to.at(index, 0), aside.stream());
        CUevent_st ownPart = aside.end();
        Member self = meeting.members[index];
        for (int i = 1; i < size; i++) {
            Member member = member(i);
            int other = (index + i) % size;
            long there = member.card().shared().address(place, bytes, givenUp) + index * to.stride();
            await(ready(self, other), exchange);
            copy(from, from.at(other, 0), to, there, stream);
            count(arrived(member, index), exchange);
        }
        for (int i = 1; i < size; i++) {
            await(arrived(self, (index + i) % size), exchange);
        }
        aside.leadEngine(ownPart);
    }

    /** The member {@code distance} after this one, so that no two begin with the same. */
    private Member member(int distance) {
        return meeting.members[(index + distance) % size];
    }

    private void count(long counter, int value) {
        Cuda.check(
                cudart.cuStreamWriteValue32(stream, counter, value, cudart.CU_STREAM_WRITE_VALUE_DEFAULT),
                "cuStreamWriteValue32",
                WHAT);
    }

    private void await(long counter, int value) {
        Cuda.check(
                cudart.cuStreamWaitValue32(stream, counter, value, cudart.CU_STREAM_WAIT_VALUE_GEQ),
                "cuStreamWaitValue32",
                WHAT);
    }

    private void copy(CardParts from, long source, CardParts to, long target, CUstream_st stream) {
        if (from.rows() == 1) {
            Cuda.check(cudart.cuMemcpyAsync(target, source, from.rowBytes(), stream), "cuMemcpyAsync", from);
            return;
        }
        rows.srcMemoryType(cudart.CU_MEMORYTYPE_UNIFIED)
                .srcDevice(source)
                .srcPitch(from.rowStride())
                .srcXInBytes(0)
                .srcY(0)
                .dstMemoryType(cudart.CU_MEMORYTYPE_UNIFIED)
                .dstDevice(target)
                .dstPitch(to.rowStride())
                .dstXInBytes(0)
                .dstY(0)
                .WidthInBytes(from.rowBytes())
                .Height(from.rows());
        Cuda.check(cudart.cuMemcpy2DAsync(rows, stream), "cuMemcpy2DAsync", from);
    }

    private void setCounters(int value) {
        Cuda.check(cudart.cuMemsetD32Async(counters, value, 2L * size, aside.stream()), "cuMemsetD32Async", "counters");
    }

    /** Ends what this card waits for at the moment. */
    void release() {
        setCounters(number + FAR);
    }

    /**
     * Ends what this card waits for, and returns when no other member can write to its memory any more, or after some seconds.
     *
     * @param pending whether something that was started is not done
     */
    void abort(BooleanSupplier pending) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS);
        try {
            while (pending.getAsBoolean() && System.nanoTime() < end) {
                release();
                Thread.sleep(LOOK_MILLIS);
            }
            meeting.leaving.countDown();
            meeting.leaving.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives back what it holds; nothing may be pending. */
    void close() {
        aside.close();
        cudart.cuMemFree(counters);
        rows.deallocate();
    }
}
