package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import java.util.Optional;
import org.bytedeco.cuda.global.nccl;
import org.bytedeco.cuda.nccl.ncclConfig_t;
import org.bytedeco.cuda.nccl.ncclUniqueId;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/** NVIDIA's library for the exchange between cards: whether it is there, and what its answers mean. */
final class Nccl {
    /** Bytes of the number by which the cards of a group find each other. */
    static final int ID_BYTES = 128;

    /** As in nccl.h's NCCL_CONFIG_INITIALIZER: what a configuration begins with, and a field that says nothing. */
    private static final int CONFIG_MAGIC = 0xcafebeef;

    private static final int UNDEFINED = Integer.MIN_VALUE;
    /**
     * Of a card's 132: sums of gradients run beside a whole backward pass, which can do without the rest for less than they would
     * be quicker. NCCL_MAX_CTAS in the environment has precedence.
     */
    private static final int MOST_MULTIPROCESSORS = 8;

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

    /**
     * How a group of cards is to exchange.
     *
     * @param beside whether beside what the card computes, with few of its multiprocessors
     */
    static ncclConfig_t config(boolean beside) {
        ncclConfig_t config = new ncclConfig_t();
        return config.size(Pointer.sizeof(ncclConfig_t.class))
                .magic(CONFIG_MAGIC)
                .version(nccl.NCCL_VERSION_CODE)
                .blocking(UNDEFINED)
                .cgaClusterSize(UNDEFINED)
                .minCTAs(UNDEFINED)
                .maxCTAs(beside ? MOST_MULTIPROCESSORS : UNDEFINED)
                .netName(null)
                .splitShare(UNDEFINED)
                .trafficClass(UNDEFINED)
                .commName(null)
                .collnetEnable(UNDEFINED)
                .CTAPolicy(UNDEFINED)
                .shrinkShare(UNDEFINED)
                .nvlsCTAs(UNDEFINED)
                .nChannelsPerNetPeer(UNDEFINED)
                .nvlinkCentricSched(UNDEFINED)
                .graphUsageMode(UNDEFINED)
                .numRmaCtx(UNDEFINED);
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
