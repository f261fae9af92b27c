package dev.sparkswitch.eval.task;

import dev.sparkswitch.eval.metric.Answer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One row of a task in text-to-text form.
 *
 * @param id the official id; unique in a split that is scored
 * @param group what is scored as one unit: MultiRC's question, elsewhere the id
 * @param input what the model reads
 * @param target what the model should write; {@code <unk>} where the file has no gold label
 * @param label the gold class name of a label task, empty for free text and where the file has none
 * @param references the acceptable texts in T5's format, at least one
 * @param originals the acceptable texts as the official file has them
 */
public record Example(
        String id,
        String group,
        String input,
        String target,
        String label,
        List<String> references,
        List<String> originals) {
    /** The target of rows without a gold label, as T5 has it. */
    public static final String UNKNOWN = "<unk>";

    public Example {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(input, "input");
        Objects.requireNonNull(target, "target");
        Objects.requireNonNull(label, "label");
        references = List.copyOf(references);
        originals = List.copyOf(originals);
    }

    /** A free-text example with one reference. */
    static Example text(String id, String input, String target) {
        return text(id, input, List.of(target));
    }

    /** A free-text example; the first reference is what the model learns to write. */
    static Example text(String id, String input, List<String> references) {
        return new Example(id, id, input, references.get(0), "", references, references);
    }

    /** An example whose target is its label. */
    static Example labelled(String id, String group, String input, String label) {
        String known = label.equals(UNKNOWN) ? "" : label;
        return new Example(id, group, input, label, known, List.of(label), List.of(label));
    }

    /** Whether there is something to score against. */
    public boolean hasGold() {
        return !target.equals(UNKNOWN);
    }

    /** What a metric sees of this example and a prediction for it. */
    public Answer answer(Optional<String> prediction, Wording wording) {
        List<String> wanted =
                switch (wording) {
                    case T5 -> references;
                    case OFFICIAL -> originals;
                };
        return new Answer(group, label, wanted, prediction);
    }
}
