package dev.sparkswitch.collective;

/** A collective operation that could not end: a peer failed, the network broke, or the deadline passed. */
public final class CollectiveException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final int failedRank;

    /**
     * @param failedRank the world rank that failed first, or -1 where it is not known
     * @param message what happened, with the operation and the peer
     */
    public CollectiveException(int failedRank, String message, Throwable cause) {
        super(message, cause);
        this.failedRank = failedRank;
    }

    /** The world rank that failed first, or -1 where it is not known. */
    public int failedRank() {
        return failedRank;
    }
}
