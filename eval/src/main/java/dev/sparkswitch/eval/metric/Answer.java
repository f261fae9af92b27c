package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a metric sees of one example.
 *
 * @param group examples of one group are one unit of scoring and of resampling (MultiRC: the question); elsewhere the
 *     example's id
 * @param label the gold class name of a label task, empty for free text
 * @param references the acceptable texts, at least one
 * @param prediction the system's text; empty when the system gave none, which scores as wrong
 */
public record Answer(String group, String label, List<String> references, Optional<String> prediction) {
    public Answer {
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(label, "label");
        references = List.copyOf(references);
        Objects.requireNonNull(prediction, "prediction");
        if (references.isEmpty()) {
            throw new IllegalArgumentException("example " + group + " has no reference");
        }
    }

    /** A free-text answer. */
    public static Answer text(String id, List<String> references, String prediction) {
        return new Answer(id, "", references, Optional.of(prediction));
    }

    /** An answer of a label task. */
    public static Answer label(String group, String label, String prediction) {
        return new Answer(group, label, List.of(label), Optional.of(prediction));
    }

    /** The prediction, or the empty text when there is none. */
    public String predictionOrEmpty() {
        return prediction.orElse("");
    }
}
