package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.metric.Metrics;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A text-to-text task of a user's own rows, one JSON object each.
 *
 * @param name what reports call it
 * @param input a template with fields of a row in braces, or the name of one; see {@link Prompt}
 * @param target the same for what the model should write; a field by itself may hold a list of acceptable texts
 * @param labels the closed set of answers, empty for free text
 * @param metrics how predictions are scored; see {@link Metrics#NAMES}
 */
public record FreeText(
        @Setting(value = "text", help = "what reports call the task")
        String name,

        @Setting(help = "template of what the model reads, with {field}s of a row")
        String input,

        @Setting(help = "template of what it should write; a field by itself may hold a list of texts")
        String target,

        @Setting(value = "[]", help = "the closed set of answers, none for free text")
        List<String> labels,

        @Setting(
                value = "[squad]",
                help = "accuracy, macro-f1, matthews (of labels), squad, trivia-qa, sequence,"
                        + " rouge, bleu, bleu-intl, chrf, chrf++, correlation or curves (of numbers)")
        List<String> metrics) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public FreeText {
        labels = List.copyOf(labels);
        metrics = List.copyOf(metrics);
        Prompt.of(input);
        Prompt.of(target);
        Metrics.of(metrics, labels);
    }

    /** The task; its files are JSON lines. */
    public Task task() {
        return new Task(
                name,
                1,
                java.util.Map.of(),
                "the place where you keep it",
                labels,
                Metrics.of(metrics, labels),
                this::lines);
    }

    private List<Example> lines(Path file, Split split) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> examples.add(example(row, place)));
        return examples;
    }

    /**
     * Examples of rows that were read elsewhere, such as from Parquet.
     *
     * @param rows JSON objects
     * @param source what they were read from
     */
    public List<Example> examples(List<String> rows, Path source) {
        List<Example> examples = new ArrayList<>();
        long line = 0;
        for (String row : rows) {
            line++;
            try {
                examples.add(example(JSON.readTree(row), new TaskFile.Place(source, line)));
            } catch (JsonProcessingException e) {
                throw new UserException(source + ", row " + line + ": no JSON (" + e.getOriginalMessage() + ")", e);
            }
        }
        return examples;
    }

    private Example example(JsonNode row, TaskFile.Place place) {
        String id = row.has("id") ? Predictions.id(row.get("id")) : place.id(row);
        String read = Prompt.of(input).fill(row, place.line());
        Prompt wanted = Prompt.of(target);
        Optional<String> single = wanted.single();
        if (single.isPresent() && (!row.hasNonNull(single.get()))) {
            return Example.text(id, read, Example.UNKNOWN);
        }
        List<String> references = new ArrayList<>();
        if (single.isPresent() && row.get(single.get()).isArray()) {
            row.get(single.get()).forEach(text -> references.add(text.asText()));
        } else if (single.isPresent() && row.get(single.get()).isValueNode()) {
            references.add(row.get(single.get()).asText());
        } else {
            references.add(wanted.fill(row, place.line()));
        }
        if (references.isEmpty()) {
            throw place.wrong("has an empty list \"" + single.orElse("") + "\"");
        }
        if (labels.isEmpty()) {
            return Example.text(id, read, references);
        }
        if (!labels.contains(references.get(0))) {
            throw place.wrong(
                    "has the label \"" + references.get(0) + "\", which is none of " + String.join(", ", labels));
        }
        return Example.labelled(id, id, read, references.get(0));
    }
}
