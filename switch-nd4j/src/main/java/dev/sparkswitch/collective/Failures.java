package dev.sparkswitch.collective;

import dev.sparkswitch.base.SparkSwitchException;

/** Makes the failure that every rank reports out of what happened on one. */
final class Failures {
    private Failures() {}

    /**
     * The failure of {@code rank} by {@code cause}. A cause that is itself another rank's failure is passed on, so that
     * the first failing rank stays the one that is named.
     */
    static CollectiveException ofRank(int rank, Throwable cause) {
        for (Throwable link = cause; link != null; link = link.getCause()) {
            if (link instanceof CollectiveException known) {
                return known;
            }
        }
        return new CollectiveException(rank, "rank " + rank + " failed: " + describe(cause), cause);
    }

    /** The same failure, for a caller that meets it now. */
    static CollectiveException again(CollectiveException failure) {
        return new CollectiveException(failure.failedRank(), failure.getMessage(), failure);
    }

    /** What SparkSwitch said itself, if it is among the causes; else what was thrown, and what that came from. */
    private static String describe(Throwable thrown) {
        Throwable origin = thrown;
        for (Throwable link = thrown; link != null; link = link.getCause()) {
            if (link instanceof SparkSwitchException) {
                return name(link);
            }
            origin = link;
        }
        return origin == thrown ? name(thrown) : name(thrown) + " (from " + name(origin) + ")";
    }

    private static String name(Throwable thrown) {
        String message = thrown.getMessage();
        String type = thrown.getClass().getSimpleName();
        return message == null ? type : type + ": " + message;
    }
}
