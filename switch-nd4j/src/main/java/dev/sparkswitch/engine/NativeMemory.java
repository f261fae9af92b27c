package dev.sparkswitch.engine;

import java.lang.management.ManagementFactory;
import org.bytedeco.javacpp.Pointer;

/** What this process may take outside its heap. */
public final class NativeMemory {
    /** JVM options by which JavaCPP, which ND4J allocates with, is told its limits. By default they follow the heap. */
    public static final String LIMIT_OPTION = "-Dorg.bytedeco.javacpp.maxbytes=";
    /** See {@link #LIMIT_OPTION}: of the whole process. */
    public static final String PROCESS_LIMIT_OPTION = "-Dorg.bytedeco.javacpp.maxphysicalbytes=";

    private NativeMemory() {}

    /** The bytes that engines on the processor may hold, by JavaCPP's setting; {@code Long.MAX_VALUE} without one. */
    public static long engineLimit() {
        return Pointer.maxBytes() > 0 ? Pointer.maxBytes() : Long.MAX_VALUE;
    }

    /** The memory of this container, or of this host where it is none. */
    public static long ofContainer() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getTotalMemorySize();
    }
}
