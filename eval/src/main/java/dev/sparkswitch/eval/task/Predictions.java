package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Predictions of any system, by example id. */
public final class Predictions {
    private Predictions() {}

    /**
     * Reads a file of predictions: one JSON object {@code {"id": "text", ...}} as SQuAD's scorer takes it ({@code .json}),
     * or JSON lines {@code {"idx" or "id": ..., "prediction": "text"}}.
     *
     * @throws UserException if the file is missing or in another layout, or an id occurs twice
     */
    public static Map<String, String> read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new UserException(file + ": no such file of predictions; give an existing .json or .jsonl file");
        }
        Map<String, String> predictions = new LinkedHashMap<>();
        if (file.toString().endsWith(".json") || file.toString().endsWith(".json.gz")) {
            JsonNode tree = TaskFile.tree(file);
            if (!tree.isObject()) {
                throw new UserException(file + ": not one JSON object of ids and texts; use .jsonl for JSON lines");
            }
            tree.fields().forEachRemaining(field -> {
                if (!field.getValue().isTextual()) {
                    throw new UserException(
                            file + ": the prediction of \"" + field.getKey() + "\" is not a text; give one text an id");
                }
                predictions.put(field.getKey(), field.getValue().textValue());
            });
            return predictions;
        }
        TaskFile.lines(file, (row, place) -> {
            String id = row.has("id") ? id(row.get("id")) : place.id(row);
            if (predictions.put(id, place.text(row, "prediction")) != null) {
                throw new UserException(file + ", line " + place.line() + ": a second prediction for \"" + id
                        + "\"; give one prediction an example");
            }
        });
        return predictions;
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
