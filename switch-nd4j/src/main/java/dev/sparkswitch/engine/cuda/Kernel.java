package dev.sparkswitch.engine.cuda;

/** A kernel that a {@link Device} has loaded. */
interface Kernel {
    /** The {@code extern "C"} name. */
    String name();
}
