package dev.sparkswitch.base;

/**
 * The root of every failure that SparkSwitch reports by itself. The message is one sentence for the person who ran the
 * command: what was met, where, and the remedy.
 */
public abstract sealed class SparkSwitchException extends RuntimeException
        permits UserException, ResourceException, InternalException {
    private static final long serialVersionUID = 1L;

    SparkSwitchException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The exit code of a command that ends with this failure. */
    public abstract int exitCode();
}
