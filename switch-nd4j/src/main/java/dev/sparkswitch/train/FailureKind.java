package dev.sparkswitch.train;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;

/** Whose fault a rank's failure is, and so whether another attempt may succeed. */
public enum FailureKind {
    /** The user's: another attempt fails again. */
    USER,
    /** Something outside is missing, lost or exhausted: another attempt may succeed. */
    RESOURCE,
    /** A defect of SparkSwitch: another attempt fails again. */
    INTERNAL;

    /** The exception by which a command ends with a failure of this kind. */
    public SparkSwitchException exception(String message) {
        return switch (this) {
            case USER -> new UserException(message);
            case RESOURCE -> new ResourceException(message);
            case INTERNAL -> new InternalException(message);
        };
    }
}
