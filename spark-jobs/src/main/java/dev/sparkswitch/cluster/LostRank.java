package dev.sparkswitch.cluster;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An executor that went away under a rank, as Spark tells it in the failure of a barrier job.
 *
 * @param rank the rank that it ran
 * @param message "executor 1 lost (SIGKILL): Command exited with code 137"
 */
record LostRank(int rank, String message) {
    private static final Pattern TASK = Pattern.compile("barrier task ResultTask\\(\\d+, (\\d+)\\)");
    private static final Pattern EXECUTOR =
            Pattern.compile("ExecutorLostFailure \\(executor (\\S+)[^)]*\\)(?: Reason: ([^\\n]*))?", Pattern.MULTILINE);
    private static final Pattern EXIT = Pattern.compile("exited with code (\\d+)");
    /** Exit codes above say which signal ended the process. */
    private static final int SIGNAL_BASE = 128;

    /** The lost executor that {@code failure} speaks of. */
    static Optional<LostRank> in(String failure) {
        Matcher executor = EXECUTOR.matcher(failure);
        if (!executor.find()) {
            return Optional.empty();
        }
        Matcher task = TASK.matcher(failure);
        int rank = task.find() ? Integer.parseInt(task.group(1)) : -1;
        String reason = executor.group(2) == null ? "" : executor.group(2).strip();
        return Optional.of(new LostRank(
                rank,
                "executor " + executor.group(1) + " lost" + signal(reason) + (reason.isEmpty() ? "" : ": " + reason)));
    }

    private static String signal(String reason) {
        Matcher exit = EXIT.matcher(reason);
        if (!exit.find()) {
            return "";
        }
        return switch (Integer.parseInt(exit.group(1)) - SIGNAL_BASE) {
            case 6 -> " (SIGABRT)";
            case 9 -> " (SIGKILL)";
            case 11 -> " (SIGSEGV)";
            case 15 -> " (SIGTERM)";
            default -> "";
        };
    }
}
