package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Predictions of any system, by example id. */
public final class Predictions {
    private static final int NAMED = 3;
    private static final ObjectMapper JSON = new ObjectMapper();

    private Predictions() {}

    /**
     * Reads a file of predictions: one JSON object {@code {"id": "text", ...}} as SQuAD's scorer takes it ({@code .json}),
     * or JSON lines {@code {"idx" or "id": ..., "prediction": "text"}}.
     *
     * @throws UserException if the file is missing or in another layout, or an id occurs twice
     */
    public static Map<String, String> read(Path file) {
        return read(file, "", List.of());
    }

    /**
     * The same for one task. Of JSON lines with a field {@code task}, as an evaluation writes them, those of other tasks are
     * passed over, and those without a prediction are missing. Any other file is a prediction a line, in the order of the
     * examples.
     *
     * @param task the task's name, empty for the lines of all
     * @param examples what is predicted; read for files of lines alone
     */
    public static Map<String, String> read(Path file, String task, List<Example> examples) {
        if (!Files.isRegularFile(file)) {
            throw new UserException(file + ": no such file of predictions; give an existing .json or .jsonl file");
        }
        String name = file.toString().replaceAll("\\.gz$", "");
        if (name.endsWith(".json")) {
            return object(file);
        }
        return name.endsWith(".jsonl") || examples.isEmpty() ? rows(file, task) : lines(file, examples);
    }

    private static Map<String, String> object(Path file) {
        JsonNode tree = TaskFile.tree(file);
        if (!tree.isObject()) {
            throw new UserException(file + ": not one JSON object of ids and texts; use .jsonl for JSON lines");
        }
        Map<String, String> predictions = new LinkedHashMap<>();
        tree.fields().forEachRemaining(field -> {
            if (!field.getValue().isTextual()) {
                throw new UserException(
                        file + ": the prediction of \"" + field.getKey() + "\" is not a text; give one text an id");
            }
            predictions.put(field.getKey(), field.getValue().textValue());
        });
        return predictions;
    }

    private static Map<String, String> rows(Path file, String task) {
        Rows rows = new Rows(file, task);
        TaskFile.lines(file, rows);
        return rows.finished();
    }

    /**
     * The same of rows that were read elsewhere, such as from Parquet.
     *
     * @param rows JSON objects
     * @param source what they were read from
     */
    public static Map<String, String> of(List<String> rows, Path source, String task) {
        Rows taken = new Rows(source, task);
        long line = 0;
        for (String row : rows) {
            line++;
            try {
                taken.accept(JSON.readTree(row), new TaskFile.Place(source, line));
            } catch (JsonProcessingException e) {
                throw new UserException(source + ", row " + line + ": no JSON (" + e.getOriginalMessage() + ")", e);
            }
        }
        return taken.finished();
    }

    /** Takes rows of {@code idx} or {@code id} and {@code prediction}. */
    private static final class Rows implements TaskFile.Rows {
        private final Path file;
        private final String task;
        private final Map<String, String> predictions = new LinkedHashMap<>();
        private final List<String> doubled = new ArrayList<>();

        Rows(Path file, String task) {
            this.file = file;
            this.task = task;
        }

        @Override
        public void accept(JsonNode row, TaskFile.Place place) {
            boolean other = !task.isEmpty()
                    && row.has("task")
                    && !row.get("task").asText().equals(task);
            if (other || row.has("prediction") && row.get("prediction").isNull()) {
                return;
            }
            String id = row.has("id") ? id(row.get("id")) : place.id(row);
            if (predictions.put(id, place.text(row, "prediction")) != null) {
                doubled.add("\"" + id + "\" in line " + place.line());
            }
        }

        Map<String, String> finished() {
            if (!doubled.isEmpty()) {
                throw new UserException(file + ": " + doubled.size() + " ids have a second prediction (" + some(doubled)
                        + "); give one prediction an example");
            }
            return predictions;
        }
    }

    private static Map<String, String> lines(Path file, List<Example> examples) {
        List<String> lines = TaskFile.texts(file);
        if (lines.size() != examples.size()) {
            throw new UserException(file + ": " + lines.size() + " lines for " + examples.size()
                    + " examples; give one prediction a line, in the order of the examples");
        }
        Map<String, String> predictions = new LinkedHashMap<>();
        for (int i = 0; i < lines.size(); i++) {
            predictions.put(examples.get(i).id(), lines.get(i));
        }
        return predictions;
    }

    /**
     * Refuses predictions that lack some of the examples.
     *
     * @param source where the predictions are from
     * @throws UserException naming how many are missing and the first of them
     */
    public static void requireAll(String source, List<Example> examples, Map<String, String> predictions) {
        List<String> missing = new ArrayList<>();
        for (Example example : examples) {
            if (!predictions.containsKey(example.id())) {
                missing.add("\"" + example.id() + "\"");
            }
        }
        if (!missing.isEmpty()) {
            throw new UserException(source + ": " + missing.size() + " of " + examples.size()
                    + " examples have no prediction (" + some(missing)
                    + "); complete the file, or score them as wrong with missing=wrong");
        }
    }

    private static String some(List<String> all) {
        String first = String.join(", ", all.subList(0, Math.min(NAMED, all.size())));
        return all.size() > NAMED ? first + ", ..." : first;
    }

    /** The id that an {@code idx} stands for: a number or text itself, an object's values joined by slashes. */
    static String id(JsonNode idx) {
        if (!idx.isObject()) {
            return idx.asText();
        }
        StringBuilder id = new StringBuilder();
        for (JsonNode part : idx) {
            id.append(id.isEmpty() ? "" : "/").append(part.asText());
        }
        return id.toString();
    }
}
