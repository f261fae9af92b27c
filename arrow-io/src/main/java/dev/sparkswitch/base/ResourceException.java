package dev.sparkswitch.base;

/** Something outside is missing or exhausted: memory, disk, executors, GPUs, the network. The same command may work later. */
public final class ResourceException extends SparkSwitchException {
    private static final long serialVersionUID = 1L;

    public ResourceException(String message) {
        this(message, null);
    }

    public ResourceException(String message, Throwable cause) {
        super(message, cause);
    }

    @Override
    public int exitCode() {
        return 3;
    }
}
