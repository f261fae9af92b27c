package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One example, what the system answered, and what it was worth.
 *
 * @param prediction empty when there was none
 * @param valid whether the prediction is an answer that the task allows
 * @param scores from 0 to 100, by name
 */
public record ScoredExample(
        Example example, Optional<String> prediction, boolean valid, SortedMap<String, Double> scores) {
    public ScoredExample {
        scores = Collections.unmodifiableSortedMap(new TreeMap<>(scores));
    }

    /** Whether the answer is right: exact match or accuracy where the task has one, elsewhere a perfect score. */
    public boolean right() {
        Double decisive = scores.getOrDefault("exact-match", scores.get("accuracy"));
        if (decisive != null) {
            return decisive == 100;
        }
        return scores.values().stream().allMatch(score -> score > 99.999);
    }

    /** One line of {@code predictions.jsonl}: id, input, gold, prediction (null when there was none), valid, scores. */
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("id", example.id()).put("group", example.group()).put("input", example.input());
        json.put("target", example.target());
        if (!example.label().isEmpty()) {
            json.put("label", example.label());
        }
        ArrayNode references = json.putArray("references");
        example.references().forEach(references::add);
        json.put("prediction", prediction.orElse(null)).put("valid", valid);
        ObjectNode named = json.putObject("scores");
        scores.forEach(named::put);
        return json;
    }
}
