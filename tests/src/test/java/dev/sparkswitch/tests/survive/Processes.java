package dev.sparkswitch.tests.survive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What a fault does to processes, and how long something takes. */
final class Processes {
    private static final Duration POLL = Duration.ofMillis(5);

    private Processes() {}

    /** The executors whose command line bears {@code mark}, the oldest first. */
    static List<ProcessHandle> executors(String mark) {
        return ProcessHandle.allProcesses()
                .filter(process -> commandLine(process).contains(mark)
                        && commandLine(process).contains("CoarseGrainedExecutorBackend"))
                .sorted(Comparator.comparing(
                        process -> process.info().startInstant().orElseThrow()))
                .toList();
    }

    private static String commandLine(ProcessHandle process) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"));
        } catch (IOException e) {
            // It has ended meanwhile.
            return "";
        }
    }

    /** Whether a signal holds it still. */
    static boolean stopped(ProcessHandle process) {
        try {
            String status = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
            return status.startsWith("T", status.lastIndexOf(')') + 2);
        } catch (IOException e) {
            // It has ended meanwhile.
            return false;
        }
    }

    static void signal(String name, ProcessHandle process) {
        run("kill", "-" + name, Long.toString(process.pid()));
    }

    /** Runs a command to its end; whether it went well. */
    static boolean run(String... command) {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Waits for {@code condition}; the seconds that it took. */
    static double await(String what, Duration patience, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > patience.toNanos()) {
                throw new AssertionError(what + " did not come within " + patience.toSeconds() + " s");
            }
            LockSupport.parkNanos(POLL.toNanos());
        }
        return (System.nanoTime() - start) / 1e9;
    }
}
