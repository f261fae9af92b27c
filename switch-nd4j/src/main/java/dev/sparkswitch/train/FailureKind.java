package dev.sparkswitch.train;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;

/** Whose fault a rank's failure is, and so whether another attempt may succeed. */
public enum FailureKind {
    /** The user's: another attempt fails again. */
    USER,
    /** Training left its course: another attempt goes back to a checkpoint and round the batches. */
    DIVERGED,
    /** Something outside is missing, lost or exhausted: another attempt may succeed. */
    RESOURCE,
    /** A defect of SparkSwitch: another attempt fails again. */
    INTERNAL;

    /** The exception by which a command ends with a failure of this kind; {@code cause} may be null. */
    public SparkSwitchException exception(String message, Throwable cause) {
        return switch (this) {
            case USER, DIVERGED -> new UserException(message, cause);
            case RESOURCE -> new ResourceException(message, cause);
            case INTERNAL -> new InternalException(message, cause);
        };
    }
}
