package dev.sparkswitch.jobs.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Keeps this process, with all threads that it has and will have, to some of its cores. Without that, work on one core has
 * the compiler and the collector done on another, and a second core seems to bring less than it does.
 */
final class ProcessCores implements AutoCloseable {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String ALLOWED = "Cpus_allowed_list:";
    private static final long SECONDS = 10;

    private final List<Integer> all = allowed();

    /**
     * Keeps the process to {@code count} cores, or to all if it has no more.
     *
     * @return whether the system can do that
     */
    boolean keepTo(int count) {
        return !all.isEmpty() && set(all.subList(0, Math.min(count, all.size())));
    }

    /** The numbers of the cores that this process may run on; none where the system does not tell. */
    static List<Integer> allowed() {
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith(ALLOWED)) {
                    return parsed(line.substring(ALLOWED.length()).strip());
                }
            }
        } catch (IOException e) {
            // Only Linux has it.
        }
        return List.of();
    }

    /** The numbers in a list such as {@code 0-3,8}. */
    static List<Integer> parsed(String list) {
        List<Integer> cores = new ArrayList<>();
        for (String range : list.split(",")) {
            String[] ends = range.split("-");
            for (int core = Integer.parseInt(ends[0]); core <= Integer.parseInt(ends[ends.length - 1]); core++) {
                cores.add(core);
            }
        }
        return cores;
    }

    private static boolean set(List<Integer> cores) {
        String list = String.join(",", cores.stream().map(String::valueOf).toList());
        String self = Long.toString(ProcessHandle.current().pid());
        try {
            Process taskset = new ProcessBuilder("taskset", "--all-tasks", "--cpu-list", "--pid", list, self)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!taskset.waitFor(SECONDS, TimeUnit.SECONDS)) {
                taskset.destroy();
                return false;
            }
            return taskset.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public void close() {
        if (!all.isEmpty()) {
            set(all);
        }
    }
}
