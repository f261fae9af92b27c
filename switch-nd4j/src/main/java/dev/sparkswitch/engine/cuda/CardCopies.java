package dev.sparkswitch.engine.cuda;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.cuda.cudart.CUDA_MEMCPY2D_v2;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cards of a group within one process write into each other's memory, by their copy engines: no multiprocessor is kept from
 * computing, and rows land where they are read. Counters in the host's memory tell each card for what the others are ready, and
 * how many of their parts have arrived. Cards count them up as they go, and the order of exchanges of each waits for its own; no
 * thread of the host waits.
 */
final class CardCopies {
    private static final Logger LOG = LoggerFactory.getLogger(CardCopies.class);
    private static final Map<ByteBuffer, Meeting> MEETINGS = new HashMap<>();
    private static final String WHAT = "copies between cards";
    /** What a counter is ahead of all waits by, once nobody shall wait any more. */
    private static final int FAR = 1 << 30;

    /** Streams for copies to others: as many as a card has copy engines to spare, and few enough for each to have a queue of its own. */
    private static final int MOST_WAYS = 3;

    /** Of each member for each; every one is counted up in one order alone. */
    private static final int COUNTERS = 2;

    /** For what is under way to end once nothing waits any more. */
    private static final long MOST_SECONDS = 5;

    /** Where the cards of a group find each other; its memory outlives every one of them. */
    private static final class Meeting {
        private final CardMember[] members;
        private final Pointer memory = new Pointer();
        private final IntPointer counters;
        /** Whether a member takes part no more. */
        private final AtomicIntegerArray left;
        /** Members that may use the counters. */
        private int present;

        Meeting(int size) {
            int count = COUNTERS * size * size;
            members = new CardMember[size];
            left = new AtomicIntegerArray(size);
            present = size;
            Cuda.check(
                    cudart.cuMemHostAlloc(
                            memory,
                            (long) count * Integer.BYTES,
                            cudart.CU_MEMHOSTALLOC_PORTABLE | cudart.CU_MEMHOSTALLOC_DEVICEMAP),
                    "cuMemHostAlloc",
                    WHAT);
            counters = new IntPointer(memory).capacity(count);
            for (int i = 0; i < count; i++) {
                counters.put(i, 0);
            }
        }

        /** Where {@code member} reads how many tensors {@code other} was ready to receive in. */
        private long ready(int member, int other) {
            return at(COUNTERS * member * members.length + other);
        }

        /** Where {@code member} reads how many of {@code other}'s parts have arrived. */
        private long arrived(int member, int other) {
            return at((COUNTERS * member + 1) * members.length + other);
        }

        /** Cards know the host's memory by the same address. */
        private long at(int counter) {
            return counters.address() + (long) counter * Integer.BYTES;
        }

        private synchronized void leave() {
            present--;
            if (present == 0) {
                cudart.cuMemFreeHost(memory);
            }
        }
    }

    private final CardMember card;
    private final int index;
    private final int size;
    private final SideStream exchanges;
    private final CUstream_st stream;
    /** In which this card's own part moves, beside the others', and others hear of tensors. */
    private final SideStream aside;
    /** In which parts move to others. */
    private final List<SideStream> ways;
    /** The ways and aside. */
    private final List<SideStream> followers;

    private final ByteBuffer key;
    private final Meeting meeting;
    private final CUDA_MEMCPY2D_v2 rows = new CUDA_MEMCPY2D_v2();
    /** Whether something that this card was asked for is under way; the same object for all members. */
    private final BooleanSupplier writing;
    /** Exchanges so far. */
    private volatile int number;
    /** Tensors so far that others have heard of. */
    private volatile int posted;
    /** The number of the last tensor that lay in a block. */
    private final Map<Integer, Integer> postOfBlock = new HashMap<>();

    /**
     * Makes this card known to other members of the process; to be called before they {@link #meet}.
     *
     * @param writing whether something that was started is not done; any thread asks
     */
    CardCopies(CardMember card, SideStream exchanges, byte[] id, int index, int size, BooleanSupplier writing) {
        this.card = card;
        this.writing = writing;
        this.index = index;
        this.size = size;
        this.exchanges = exchanges;
        this.stream = exchanges.stream();
        this.aside = exchanges.another();
        this.ways = IntStream.range(0, Math.min(MOST_WAYS, size - 1))
                .mapToObj(i -> exchanges.another())
                .toList();
        this.followers = Stream.concat(ways.stream(), Stream.of(aside)).toList();
        this.key = ByteBuffer.wrap(id.clone());
        synchronized (MEETINGS) {
            meeting = MEETINGS.computeIfAbsent(key, unused -> new Meeting(size));
            meeting.members[index] = card;
        }
    }

    /** Whether all members belong to this process and reach each other: once each was made known. */
    boolean meet() {
        synchronized (MEETINGS) {
            MEETINGS.remove(key);
            for (CardMember one : meeting.members) {
                for (CardMember other : meeting.members) {
                    if (one == null || other == null || one != other && !one.reaches(other)) {
                        return false;
                    }
                }
            }
        }
        try {
            card.access().use(this::openOthers);
        } catch (RuntimeException e) {
            dismiss();
            throw e;
        }
        return true;
    }

    private void openOthers() {
        for (CardMember member : meeting.members) {
            if (member != card) {
                member.access().use(() -> {
                    card.open(member);
                    member.access().admit(writing);
                });
            }
        }
    }

    private void dismiss() {
        for (CardMember member : meeting.members) {
            if (member != null) {
                member.access().dismiss(writing);
            }
        }
    }

    /**
     * Tells others that they may write to a new tensor, once the engine has done what it was asked for so far.
     *
     * @param address in a shared block, at the same place on every member
     */
    void expect(long address) {
        int block = card.shared().place(address).number();
        // Behind nothing but the engine: not behind what others are still to send.
        aside.followEngine();
        int post = posted + 1;
        posted = post;
        for (int i = 1; i < size; i++) {
            count(meeting.ready(after(i), index), post, aside.stream());
        }
        postOfBlock.put(block, post);
    }

    /** What has to follow the engine beside the order of exchanges before {@link #allToAll}. */
    List<SideStream> followers() {
        return followers;
    }

    /**
     * Adds an exchange to the order of exchanges.
     *
     * @param to in a shared block that others were told to {@link #expect}, at the same place on every member
     * @param givenUp whether the group has been left meanwhile
     * @throws IllegalStateException where it has, or another member has left
     */
    void allToAll(CardParts from, CardParts to, BooleanSupplier givenUp) {
        SharedBlocks.Place place = card.shared().place(to.address());
        long bytes = card.shared().bytes(place.number());
        Integer post = postOfBlock.get(place.number());
        if (post == null) {
            throw new IllegalArgumentException("no other card was told that it may write to " + to);
        }
        int exchange = number + 1;
        number = exchange;
        try {
            copy(from, from.at(index, 0), to, to.at(index, 0), aside.stream());
            for (int i = 1; i < size; i++) {
                int other = after(i);
                CUstream_st way = ways.get((i - 1) % ways.size()).stream();
                CardAccess access = meeting.members[other].access();
                BooleanSupplier over = () -> givenUp.getAsBoolean() || access.closed() || meeting.left.get(other) != 0;
                long there = meeting.members[other].shared().address(place, bytes, over) + index * to.stride();
                access.use(() -> {
                    if (over.getAsBoolean()) {
                        throw new IllegalStateException("a card has left its group");
                    }
                    await(meeting.ready(index, other), post, way);
                    copy(from, from.at(other, 0), to, there, way);
                    count(meeting.arrived(other, index), exchange, way);
                });
            }
            for (int i = 1; i < size; i++) {
                await(meeting.arrived(index, after(i)), exchange, stream);
            }
        } finally {
            followers.forEach(exchanges::join);
        }
    }

    /** The member that comes {@code distance} after this one: no two begin with the same. */
    private int after(int distance) {
        return (index + distance) % size;
    }

    private static void count(long counter, int value, CUstream_st order) {
        Cuda.check(
                cudart.cuStreamWriteValue32(order, counter, value, cudart.CU_STREAM_WRITE_VALUE_DEFAULT),
                "cuStreamWriteValue32",
                WHAT);
    }

    private static void await(long counter, int value, CUstream_st order) {
        Cuda.check(
                cudart.cuStreamWaitValue32(order, counter, value, cudart.CU_STREAM_WAIT_VALUE_GEQ),
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

    /** Ends what this card waits for at the moment; others are refused from here on. */
    void release() {
        meeting.left.set(index, 1);
        for (int i = 0; i < COUNTERS * size; i++) {
            meeting.counters.put((long) COUNTERS * index * size + i, Math.max(number, posted) + FAR);
        }
    }

    /**
     * Ends what this card waits for and gives back what it holds; where that does not end for seconds, all stays for good.
     *
     * @param pending whether something that was started is not done
     * @return whether it ended
     */
    boolean abort(BooleanSupplier pending) {
        boolean ended = CardAccess.within(System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS), () -> {
            release();
            return !pending.getAsBoolean();
        });
        if (ended) {
            close();
        } else {
            LOG.warn("exchanges of card {} cannot be ended", card.card());
            card.access().keep();
        }
        return ended;
    }

    /** Gives back what it holds; nothing may be pending. */
    void close() {
        meeting.left.set(index, 1);
        dismiss();
        followers.forEach(SideStream::close);
        meeting.leave();
        rows.deallocate();
    }
}
