package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import java.util.Optional;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.Loader;

/** NVIDIA's library for the exchange between cards: whether it is there, and what its answers mean. */
final class Nccl {
    /** Bytes of the number by which the cards of a group find each other. */
    static final int ID_BYTES = 128;

    private static Optional<String> missing;

    private Nccl() {}

    /** Why the library cannot be loaded; empty where it can. */
    static synchronized Optional<String> missing() {
        if (missing == null) {
            try {
                Loader.load(nccl.class);
                missing = Optional.empty();
            } catch (LinkageError e) {
                missing = Optional.of("libnccl.so.2 cannot be loaded (" + Cuda.reason(e) + ")");
            }
        }
        return missing;
    }

    /** The number of a new group, which one of its members makes and tells the others. */
    static byte[] newGroup() {
        try (ncclUniqueId id = new ncclUniqueId()) {
            check(nccl.ncclGetUniqueId(id), "ncclGetUniqueId", "a group of cards");
            byte[] bytes = new byte[ID_BYTES];
            id.internal().get(bytes);
            return bytes;
        }
    }

    /** Throws where NCCL did not succeed; {@code what} names the operation and its sizes. */
    static void check(int status, String call, Object what) {
        if (status == nccl.ncclSuccess || status == nccl.ncclInProgress) {
            return;
        }
        String message = call + " of " + what + " failed: " + text(status);
        if (status == nccl.ncclSystemError || status == nccl.ncclRemoteError) {
            throw new ResourceException(
                    message + "; look after the other ranks, their cards and the network between them, then try again");
        }
        throw new InternalException(message + "; with NCCL_DEBUG=WARN in the environment it says more");
    }

    static String text(int status) {
        return nccl.ncclGetErrorString(status).getString();
    }
}
