package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Tensor;
import java.util.Optional;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclComm;
import org.bytedeco.cuda.nccl.ncclUniqueId;

/**
 * This engine's card among others that exchange tensors directly. Operations take their place in the engine's order and return
 * before they are done; every member starts the same ones in the same order. Sums repeat bit by bit for the same members.
 *
 * <p>Not thread-safe, but for {@link #fault}, {@link #pending} and {@link #abort}.
 */
public final class CardGroup implements AutoCloseable {
    private final ncclComm communicator = new ncclComm();
    private final CUstream_st stream;
    private final int size;
    /** Passed when the operation started last is done. */
    private final CUevent_st last = new CUevent_st();

    private final Address source = new Address();
    private final Address target = new Address();
    private boolean gone;

    /** Joins; returns when all members have. */
    CardGroup(CUstream_st stream, byte[] id, int index, int size) {
        this.stream = stream;
        this.size = size;
        try (ncclUniqueId number = new ncclUniqueId()) {
            number.internal().put(id);
            Nccl.check(
                    nccl.ncclCommInitRank(communicator, size, number, index),
                    "ncclCommInitRank",
                    "card " + index + " of " + size);
        }
        Cuda.check(cudart.cuEventCreate(last, cudart.CU_EVENT_DISABLE_TIMING), "cuEventCreate", "a group of cards");
        mark();
    }

    private void mark() {
        Cuda.check(cudart.cuEventRecord(last, stream), "cuEventRecord", "a group of cards");
    }

    private static int type(DType type) {
        return switch (type) {
            case FLOAT32 -> nccl.ncclFloat32;
            case FLOAT64 -> nccl.ncclFloat64;
            case BFLOAT16, INT32, INT64 ->
                throw new IllegalArgumentException("sums over cards are of float32 or float64, not of " + type);
        };
    }

    private static CudaTensor plain(String operation, Tensor tensor) {
        CudaTensor found = CudaContext.cuda(tensor);
        found.requireContiguous(operation);
        if (found.isSplit()) {
            throw new IllegalArgumentException(operation + " takes no parameter: " + tensor);
        }
        return found;
    }

    private static long bytes(Tensor tensor) {
        return tensor.size() * tensor.type().bytes();
    }

    /** Replaces {@code data} on every member by the element-wise sum; FLOAT32 or FLOAT64. */
    public void allReduceSum(Tensor data) {
        Address place = source.at(plain("allReduceSum", data).address());
        Nccl.check(
                nccl.ncclAllReduce(place, place, data.size(), type(data.type()), nccl.ncclSum, communicator, stream),
                "ncclAllReduce",
                data);
        mark();
    }

    /** Sends the i-th of equal parts to the i-th member and receives its part for this one. */
    public void allToAll(Tensor send, Tensor receive) {
        long from = plain("allToAll", send).address();
        long to = plain("allToAll", receive).address();
        if (bytes(send) != bytes(receive) || bytes(send) % size != 0) {
            throw new IllegalArgumentException(
                    "allToAll among " + size + " does not take " + send + " with " + receive);
        }
        long part = bytes(send) / size;
        Nccl.check(nccl.ncclGroupStart(), "ncclGroupStart", "allToAll");
        for (int i = 0; i < size; i++) {
            Nccl.check(
                    nccl.ncclSend(source.at(from + i * part), part, nccl.ncclInt8, i, communicator, stream),
                    "ncclSend",
                    send);
            Nccl.check(
                    nccl.ncclRecv(target.at(to + i * part), part, nccl.ncclInt8, i, communicator, stream),
                    "ncclRecv",
                    receive);
        }
        Nccl.check(nccl.ncclGroupEnd(), "ncclGroupEnd", send);
        mark();
    }

    /** Copies {@code data} of the member {@code root} to every member. */
    public void broadcast(Tensor data, int root) {
        Address place = source.at(plain("broadcast", data).address());
        Nccl.check(
                nccl.ncclBroadcast(place, place, bytes(data), nccl.ncclInt8, root, communicator, stream),
                "ncclBroadcast",
                data);
        mark();
    }

    /** What went wrong since; empty where nothing has. */
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

    /** Whether an operation that was started is not done yet. */
    public synchronized boolean pending() {
        return !gone && cudart.cuEventQuery(last) == cudart.CUDA_ERROR_NOT_READY;
    }

    /** Ends what hangs: the card goes on as if the operations were done, with undefined contents. Idempotent. */
    public synchronized void abort() {
        if (!gone) {
            gone = true;
            nccl.ncclCommAbort(communicator);
            cudart.cuEventDestroy(last);
        }
    }

    /** Leaves the group; nothing of it may be pending. */
    @Override
    public synchronized void close() {
        if (!gone) {
            gone = true;
            nccl.ncclCommDestroy(communicator);
            cudart.cuEventDestroy(last);
        }
    }
}
