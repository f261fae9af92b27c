package dev.sparkswitch.tests.parity;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The largest errors against the reference, case by case, as a page. */
final class ParityTable {
    /** What is compared, and what its error is. */
    enum Measure {
        ENCODER("encoder output, absolute"),
        LOGITS("logits, absolute"),
        LOSSES("losses, relative"),
        GRADIENTS("gradients, relative"),
        DROPS("capacities and drops equal"),
        WRITTEN("written rows equal");

        private final String title;

        Measure(String title) {
            this.title = title;
        }
    }

    private final Map<String, Map<Measure, String>> rows = new TreeMap<>();
    private final Map<String, Map<Measure, Double>> largest = new TreeMap<>();

    /** Keeps the larger of {@code error} and what was found before. */
    synchronized void error(String row, Measure measure, double error) {
        double most = largest.computeIfAbsent(row, name -> new EnumMap<>(Measure.class))
                .merge(measure, error, Math::max);
        say(row, measure, String.format(Locale.ROOT, "%.1e", most));
    }

    /** Keeps how many things were compared and found equal. */
    synchronized void equal(String row, Measure measure, int things) {
        say(row, measure, Integer.toString(things));
    }

    private void say(String row, Measure measure, String text) {
        rows.computeIfAbsent(row, name -> new EnumMap<>(Measure.class)).put(measure, text);
    }

    /** Writes the page, a line a row. */
    synchronized void write(Path file) throws IOException {
        String head = line("case", Stream.of(Measure.values()).map(measure -> measure.title));
        String rule = line("---", Stream.of(Measure.values()).map(measure -> "--:"));
        String body = rows.entrySet().stream()
                .map(row -> line(row.getKey(), Stream.of(Measure.values()).map(measure -> row.getValue()
                        .getOrDefault(measure, "-"))))
                .collect(Collectors.joining());
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, head + rule + body);
    }

    private static String line(String name, Stream<String> cells) {
        return cells.collect(Collectors.joining(" | ", "| " + name + " | ", " |\n"));
    }
}
