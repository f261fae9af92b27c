package dev.sparkswitch.eval.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * What {@code metrics.jsonl} tells about a training run: its steps, and what befell it.
 *
 * @param steps by step, ascending; a step that was run again after a restart counts as it was run last
 * @param events in file order
 */
public record MetricsLog(List<StepMetrics> steps, List<Event> events) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Something that befell the run.
     *
     * @param kind such as {@code restart}
     * @param step where training went on
     * @param cause in words, may be empty
     */
    public record Event(String kind, long step, String cause) {}

    public MetricsLog {
        steps = List.copyOf(steps);
        events = List.copyOf(events);
    }

    /**
     * Reads a file. Its last line may be cut off, as a run that was killed leaves it.
     *
     * @throws UserException if the file is missing or another line is no JSON object
     */
    public static MetricsLog read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UserException(file + ": no such metrics file; name the folder of a run that trained a step");
        }
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            return read(reader, file.toString());
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    /** Reads lines from {@code reader}, called {@code name} in errors. */
    public static MetricsLog read(BufferedReader reader, String name) throws IOException {
        TreeMap<Long, StepMetrics> steps = new TreeMap<>();
        List<Event> events = new ArrayList<>();
        long number = 0;
        for (String text = reader.readLine(); text != null; ) {
            number++;
            String next = reader.readLine();
            if (!text.isBlank()) {
                JsonNode line = parse(text, name, number, next == null);
                if (line.has("event")) {
                    events.add(new Event(
                            line.path("event").asText(),
                            line.path("step").asLong(),
                            line.path("cause").asText("")));
                } else if (line.has("step")) {
                    StepMetrics metrics = StepMetrics.of(line);
                    // Steps beyond this one were undone by a restart from a checkpoint.
                    steps.tailMap(metrics.step(), true).clear();
                    steps.put(metrics.step(), metrics);
                }
            }
            text = next;
        }
        return new MetricsLog(List.copyOf(steps.values()), events);
    }

    private static JsonNode parse(String text, String name, long number, boolean last) {
        try {
            JsonNode line = JSON.readTree(text);
            if (line.isObject()) {
                return line;
            }
        } catch (JsonProcessingException e) {
            if (last) {
                return JSON.createObjectNode();
            }
        }
        throw new UserException(name + ", line " + number
                + ": not a JSON object; restore the file as training wrote it, or remove the line");
    }

    /**
     * Seconds that training took, evaluation and checkpoints among them, over the attempts whose steps count; 0 where it is
     * not told. Not every step has a line, so their own seconds do not add up to it.
     */
    public double seconds() {
        double before = 0;
        double last = 0;
        for (StepMetrics step : steps) {
            double elapsed = Double.isNaN(step.elapsed()) ? last : step.elapsed();
            if (elapsed < last) {
                // Another attempt went on from here.
                before += last;
            }
            last = elapsed;
        }
        return before + last;
    }

    /** Whether the model has experts, as far as the lines tell. */
    boolean hasExperts() {
        return steps.stream().anyMatch(step -> !step.layers().isEmpty() || step.droppedFraction() > 0);
    }
}
