package dev.sparkswitch.base;

/** A mistake in what the user gave: configuration, input, arguments. Running again unchanged fails again. */
public final class UserException extends SparkSwitchException {
    private static final long serialVersionUID = 1L;

    public UserException(String message) {
        this(message, null);
    }

    public UserException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public int exitCode() {
        return 2;
    }
}
