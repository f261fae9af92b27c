package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;

/** A group of cards that exchange by NVIDIA's library, and tokens by copies where all belong to this process. */
final class NcclGroup implements CardGroup {
    /** An operation that has not been started for so long is held up itself: it may be ended under its hands. */
    private static final long START_SECONDS = 2;

    private final ncclComm communicator = new ncclComm();
    private final CardMember card;
    private final SideStream exchanges;
    private final CUstream_st stream;
    private final int size;
    private final Optional<CardCopies> copies;
    /** Passed when the operation started last is done. */
    private final CUevent_st last = new CUevent_st();

    private final Address source = new Address();
    private final Address target = new Address();
    /** Held while an operation is started, lest the communicator is freed meanwhile. */
    private final ReentrantLock starting = new ReentrantLock();

    private volatile boolean gone;

    /** Joins; returns when all members have, or never where one does not come. */
    NcclGroup(CardMember card, SideStream exchanges, byte[] id, int index, int size) {
        this.card = card;
        this.exchanges = exchanges;
        this.stream = exchanges.stream();
        this.size = size;
        card.use();
        Cuda.check(cudart.cuEventCreate(last, cudart.CU_EVENT_DISABLE_TIMING), "cuEventCreate", "a group of cards");
        mark();
        Optional<CardCopies> known = Switches.isOn(Switches.CARD_COPIES)
                ? Optional.of(new CardCopies(card, exchanges, id, index, size, this::writing))
                : Optional.empty();
        try (ncclUniqueId number = new ncclUniqueId()) {
            number.internal().put(id);
            Nccl.check(
                    nccl.ncclCommInitRank(communicator, size, number, index),
                    "ncclCommInitRank",
                    "card " + index + " of " + size);
        }
        this.copies = known.filter(CardCopies::meet);
        if (copies.isEmpty()) {
            known.ifPresent(CardCopies::close);
        }
    }

    private Started start(Runnable operation) {
        return start(List.of(), operation);
    }

    /** @param followers what begins behind the engine too, beside the order of exchanges */
    private Started start(List<SideStream> followers, Runnable operation) {
        starting.lock();
        try {
            if (gone) {
                throw new IllegalStateException("the group of cards has been left");
            }
            card.use();
            exchanges.followEngine(followers);
            try {
                operation.run();
            } finally {
                // A part of what failed may be under way.
                mark();
            }
            CUevent_st end = exchanges.end();
            return () -> {
                card.use();
                exchanges.leadEngine(end);
            };
        } finally {
            starting.unlock();
        }
    }

    private void mark() {
        Cuda.check(cudart.cuEventRecord(last, stream), "cuEventRecord", "a group of cards");
    }

    private static int type(DType type) {
        return switch (type) {
            case FLOAT32 -> nccl.ncclFloat32;
            case FLOAT64 -> nccl.ncclFloat64;
            case BFLOAT16 -> nccl.ncclBfloat16;
            case INT32, INT64 ->
                throw new IllegalArgumentException("sums over cards are of floating-point numbers, not of " + type);
        };
    }

    @Override
    public Started allReduceSum(Tensor data) {
        Address place = source.at(CardParts.whole("allReduceSum", data).address());
        int type = type(data.type());
        return start(() -> Nccl.check(
                nccl.ncclAllReduce(place, place, data.size(), type, nccl.ncclSum, communicator, stream),
                "ncclAllReduce",
                data));
    }

    @Override
    public boolean writesAcross() {
        return copies.isPresent();
    }

    @Override
    public void expect(Tensor receive) {
        long address = CardParts.whole("allToAll", receive).address();
        starting.lock();
        try {
            if (!gone && copies.isPresent()) {
                card.use();
                copies.get().expect(address);
            }
        } finally {
            starting.unlock();
        }
    }

    @Override
    public Started allToAll(Tensor send, Tensor receive) {
        CardParts sent = CardParts.of(send, size);
        CardParts received = CardParts.of(receive, size);
        CardParts from = sent.cutLike(received);
        CardParts to = received.cutLike(sent);
        if (copies.isPresent()) {
            CardCopies across = copies.get();
            return start(across.followers(), () -> across.allToAll(from, to, () -> gone));
        }
        if (from.rows() > 1) {
            throw new IllegalArgumentException(
                    "parts whose rows lie apart are not sent from " + send + " to " + receive);
        }
        return start(() -> {
            Nccl.check(nccl.ncclGroupStart(), "ncclGroupStart", "allToAll");
            try {
                for (int i = 0; i < size; i++) {
                    long bytes = from.rowBytes();
                    Nccl.check(
                            nccl.ncclSend(source.at(from.at(i, 0)), bytes, nccl.ncclInt8, i, communicator, stream),
                            "ncclSend",
                            send);
                    Nccl.check(
                            nccl.ncclRecv(target.at(to.at(i, 0)), bytes, nccl.ncclInt8, i, communicator, stream),
                            "ncclRecv",
                            receive);
                }
            } catch (RuntimeException e) {
                // What this thread calls next must not be taken for a part of the exchange.
                nccl.ncclGroupEnd();
                throw e;
            }
            Nccl.check(nccl.ncclGroupEnd(), "ncclGroupEnd", send);
        });
    }

    @Override
    public Started broadcast(Tensor data, int root) {
        Address place = source.at(CardParts.whole("broadcast", data).address());
        long bytes = data.size() * data.type().bytes();
        return start(() -> Nccl.check(
                nccl.ncclBroadcast(place, place, bytes, nccl.ncclInt8, root, communicator, stream),
                "ncclBroadcast",
                data));
    }

    @Override
    public synchronized Optional<String> fault() {
        if (gone) {
            return Optional.empty();
        }
        int[] status = new int[1];
        int asked = nccl.ncclCommGetAsyncError(communicator, status);
        int found = asked == nccl.ncclSuccess ? status[0] : asked;
        return found == nccl.ncclSuccess || found == nccl.ncclInProgress
                ? Optional.empty()
                : Optional.of(Nccl.text(found));
    }

    @Override
    public synchronized boolean pending() {
        return !gone && unfinished();
    }

    /** Whether a thread asks for an operation, or one is under way. */
    private boolean writing() {
        return starting.isLocked() || unfinished();
    }

    /** The same, for who holds up starts. */
    private boolean writingBeside() {
        return starting.isHeldByCurrentThread() ? unfinished() : writing();
    }

    private boolean unfinished() {
        card.use();
        return cudart.cuEventQuery(last) == cudart.CUDA_ERROR_NOT_READY;
    }

    @Override
    public void abort() {
        leave(() -> {
            // The library waits for operations that stand behind copies. Once is not enough: another card that has not
            // been told yet counts on, from below what ends the wait.
            CardAccess.during(() -> nccl.ncclCommAbort(communicator), () -> copies.ifPresent(CardCopies::release));
            return copies.isEmpty() || copies.get().abort(this::writingBeside);
        });
    }

    @Override
    public void close() {
        leave(() -> {
            nccl.ncclCommDestroy(communicator);
            copies.ifPresent(CardCopies::close);
            return true;
        });
    }

    /** @param way returns whether all that was started has ended */
    private synchronized void leave(BooleanSupplier way) {
        boolean free = false;
        try {
            free = starting.tryLock(START_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            if (!gone) {
                gone = true;
                card.use();
                if (way.getAsBoolean()) {
                    cudart.cuEventDestroy(last);
                }
            }
        } finally {
            if (free) {
                starting.unlock();
            }
        }
    }
}
