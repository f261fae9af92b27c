package dev.sparkswitch.jobs;

import dev.sparkswitch.base.SparkSwitchException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.IdentityHashMap;
import java.util.Map;

/** Turns what a command ended with into one line for the person and an exit code for the shell. */
final class Failures {
    static final int USER = 2;
    static final int RESOURCES = 3;
    static final int INTERNAL = 4;

    private Failures() {}

    /**
     * Prints one line that begins with {@code error:}; with {@code verbose} the stack trace as well. A failure of our own
     * leaves its stack trace in a file that the line names.
     *
     * @return the exit code
     */
    static int report(Throwable failure, PrintWriter err, Detail detail) {
        if (processIsEnding()) {
            err.println("Interrupted: run the same command again to go on.");
            err.flush();
            return INTERNAL;
        }
        int code = print(failure, err, detail);
        if (detail == Detail.STACK_TRACE) {
            failure.printStackTrace(err);
        }
        err.flush();
        return code;
    }

    private static int print(Throwable failure, PrintWriter err, Detail detail) {
        Map<Throwable, Boolean> seen = new IdentityHashMap<>();
        for (Throwable cause = failure; cause != null && seen.put(cause, true) == null; cause = cause.getCause()) {
            if (cause instanceof SparkSwitchException known) {
                err.println(
                        "error: " + known.getMessage() + (known.exitCode() == INTERNAL ? trace(failure, detail) : ""));
                return known.exitCode();
            }
            if (cause instanceof NoClassDefFoundError missing && isOfSpark(missing)) {
                err.println("error: This command needs Spark, which is not here (" + missing.getMessage()
                        + "): run it by bin/sparkswitch of a built checkout or by spark-submit.");
                return RESOURCES;
            }
            if (cause instanceof OutOfMemoryError) {
                err.println(
                        "error: The driver ran out of memory (" + cause.getMessage()
                                + "): give it more, SPARKSWITCH_DRIVER_MEMORY=4g for example, or spark-submit --driver-memory.");
                return RESOURCES;
            }
            if (cause instanceof IOException
                    && String.valueOf(cause.getMessage()).contains("No space left on device")) {
                err.println("error: The disk is full (" + cause.getMessage()
                        + "): free some space and run the same command" + " again.");
                return RESOURCES;
            }
        }
        String firstLine = failure.toString().lines().findFirst().orElse("");
        err.println("error: SparkSwitch failed with " + firstLine + trace(failure, detail));
        return INTERNAL;
    }

    /** Hosts that only measure or compute have neither Spark nor what Spark brings. */
    private static boolean isOfSpark(NoClassDefFoundError missing) {
        String name = String.valueOf(missing.getMessage());
        return name.startsWith("org/apache/spark/")
                || name.startsWith("org/apache/hadoop/")
                || name.startsWith("org/apache/arrow/");
    }

    private static String trace(Throwable failure, Detail detail) {
        if (detail == Detail.STACK_TRACE) {
            return "";
        }
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text, true));
        try {
            String log = System.getProperty("sparkswitch.log", "");
            Path file = log.isBlank() ? Files.createTempFile("sparkswitch-", ".log") : Path.of(log);
            Files.writeString(
                    file,
                    text.toString(),
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
            return " (details: " + file + ")";
        } catch (IOException e) {
            failure.addSuppressed(e);
            return " (details: run it again with --verbose)";
        }
    }

    /** After an interrupt Spark stops under the job's feet: what the job then throws says nothing about the job. */
    private static boolean processIsEnding() {
        Thread probe = new Thread(() -> {});
        try {
            Runtime.getRuntime().addShutdownHook(probe);
            Runtime.getRuntime().removeShutdownHook(probe);
            return false;
        } catch (IllegalStateException e) {
            return true;
        }
    }

    /** How much of a failure a person asked to see. */
    enum Detail {
        ONE_LINE,
        STACK_TRACE
    }
}
