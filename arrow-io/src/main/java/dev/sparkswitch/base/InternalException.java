package dev.sparkswitch.base;

/** A defect of SparkSwitch itself: a broken invariant. Always worth a report. */
public final class InternalException extends SparkSwitchException {
    private static final long serialVersionUID = 1L;

    public InternalException(String message) {
        this(message, null);
    }

    public InternalException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public int exitCode() {
        return 4;
    }
}
