package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;
import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Where a run stands, beside its tensors. Random numbers are counter-based: the seed and the step are their position.
 *
 * @param step the steps done
 * @param nextRow the global row that comes next, not wrapped at the end of the data
 * @param seed the run's seed
 * @param score what the best checkpoint has least of, such as the held-out loss; empty where none was measured
 * @param values whatever else the trainer needs to go on: its schedule, the batches that it skips
 */
public record CheckpointState(
        long step, long nextRow, long seed, OptionalDouble score, SortedMap<String, String> values) {
    public CheckpointState {
        if (step < 0 || nextRow < 0) {
            throw new IllegalArgumentException("step " + step + " and next row " + nextRow + " must not be negative");
        }
        if (score.isPresent() && !Double.isFinite(score.getAsDouble())) {
            // A loss that diverged is no score that could be compared.
            score = OptionalDouble.empty();
        }
        values = Collections.unmodifiableSortedMap(new TreeMap<>(values));
    }

    public CheckpointState(long step, long nextRow, long seed) {
        this(step, nextRow, seed, OptionalDouble.empty(), new TreeMap<>());
    }

    ObjectNode toJson() {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("step", step);
        tree.put("next-row", nextRow);
        tree.put("seed", seed);
        score.ifPresent(value -> tree.put("score", value));
        ObjectNode rest = tree.putObject("values");
        values.forEach(rest::put);
        return tree;
    }

    static CheckpointState fromJson(JsonNode tree, String where) {
        OptionalDouble score = tree.path("score").isNumber()
                ? OptionalDouble.of(tree.get("score").doubleValue())
                : OptionalDouble.empty();
        SortedMap<String, String> values = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : tree.path("values").properties()) {
            values.put(entry.getKey(), entry.getValue().asText());
        }
        long step = whole(tree, "step", where);
        long nextRow = whole(tree, "next-row", where);
        if (step < 0 || nextRow < 0) {
            throw new UserException(where + " has a negative step or next-row: use another checkpoint.");
        }
        return new CheckpointState(step, nextRow, whole(tree, "seed", where), score, values);
    }

    private static long whole(JsonNode tree, String name, String where) {
        JsonNode value = tree.path(name);
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw new UserException(where + " has no whole number '" + name + "': use another checkpoint.");
        }
        return value.longValue();
    }
}
