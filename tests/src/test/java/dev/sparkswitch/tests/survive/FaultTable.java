package dev.sparkswitch.tests.survive;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** What became of each fault, as the table of docs/resilience.md; written anew after every row. */
final class FaultTable {
    private static final Path FILE = Path.of("target", "resilience.md");
    private final SortedMap<String, String> rows = new TreeMap<>();

    /**
     * Puts a row in the place of what was known of the fault.
     *
     * @param seconds to recover, of each run
     */
    synchronized void put(String fault, String outcome, List<Double> seconds) throws IOException {
        List<Double> sorted = new ArrayList<>(seconds);
        Collections.sort(sorted);
        String time = sorted.size() == 1
                ? number(sorted.get(0))
                : number(sorted.get(sorted.size() / 2)) + " (" + number(sorted.get(0)) + " to "
                        + number(sorted.get(sorted.size() - 1)) + ")";
        rows.put(fault, "| " + fault + " | " + seconds.size() + " | " + outcome + " | " + time + " |");
        Files.createDirectories(FILE.getParent());
        Files.writeString(
                FILE,
                "| fault | runs | outcome | seconds to recover |\n|---|---|---|---|\n"
                        + String.join("\n", rows.values()) + "\n");
    }

    private static String number(double seconds) {
        return String.format(Locale.ROOT, "%.1f", seconds);
    }
}
