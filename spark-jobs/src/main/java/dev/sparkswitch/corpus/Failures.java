package dev.sparkswitch.corpus;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;
import java.io.EOFException;
import java.util.zip.ZipException;

/** Finds, in what Spark throws, the error that a person can do something about. */
public final class Failures {
    private Failures() {}

    /**
     * What a failure of Spark comes from.
     *
     * @param failure what a Spark action threw; Spark's own exceptions are checked ones, though nothing declares them
     * @param what was being read, for the message
     * @return the cause that is ours, a user error for input that is damaged, or a defect
     */
    public static RuntimeException explained(Exception failure, String what) {
        String firstLine = "";
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SparkSwitchException own) {
                return own;
            }
            String message = cause.getMessage() == null
                    ? ""
                    : cause.getMessage().lines().findFirst().orElse("");
            if (message.contains("FAILED_READ_FILE") || message.contains("file://") || firstLine.isEmpty()) {
                firstLine = message;
            }
            boolean damaged = cause instanceof EOFException
                    || cause instanceof ZipException
                    || message.contains("FAILED_READ_FILE")
                    || message.contains("is not a Parquet file")
                    || message.contains("not a gzip file");
            if (damaged) {
                return new UserException(
                        "A file of " + what + " is damaged or not of its format (" + firstLine + ": " + message
                                + "); restore it, or take it out of the settings.",
                        failure);
            }
        }
        return failure instanceof RuntimeException runtime
                ? runtime
                : new InternalException("Spark failed on " + what + ": " + firstLine, failure);
    }
}
