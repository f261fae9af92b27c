package dev.sparkswitch.eval.task;

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
}
