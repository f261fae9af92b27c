package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.eval.task.TaskFile.Place;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** Readers of the SuperGLUE files (Wang et al. 2019), one object a line. */
final class SuperGlue {
    static final List<String> BOOLEAN = List.of("False", "True");
    static final List<String> CB = List.of("entailment", "contradiction", "neutral");
    static final List<String> COPA = List.of("choice1", "choice2");
    static final List<String> RTE = List.of("entailment", "not_entailment");

    private SuperGlue() {}

    /** A task whose rows are flat: {@code NAME key: value ...} and one label. */
    static Task.Layout flat(String name, List<String> labels, String... keys) {
        return (file, split) -> {
            List<Example> examples = new ArrayList<>();
            TaskFile.lines(file, (row, place) -> {
                List<Map.Entry<String, String>> fields = new ArrayList<>();
                for (String key : keys) {
                    fields.add(Map.entry(key, place.text(row, key)));
                }
                String id = place.id(row);
                examples.add(Example.labelled(
                        id, id, TextFormat.fields(name, fields), label(row.path("label"), labels, place)));
            });
            return examples;
        };
    }

    /** The label's name: a text itself, a boolean or a class number by its place; {@code <unk>} where there is none. */
    private static String label(JsonNode label, List<String> labels, Place place) {
        if (label.isMissingNode() || label.isNull() || label.isInt() && label.intValue() == -1) {
            return Example.UNKNOWN;
        }
        int index = label.isTextual()
                ? labels.indexOf(label.textValue())
                : label.isBoolean() ? (label.booleanValue() ? 1 : 0) : label.asInt(-1);
        if (index < 0 || index >= labels.size() || label.isBoolean() && labels != BOOLEAN) {
            throw place.wrong("has the label " + label + ", which is none of " + String.join(", ", labels));
        }
        return labels.get(index);
    }

    /** One row an answer; the question is the group. */
    static List<Example> multiRc(Path file, Split split) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            JsonNode passage = row.path("passage");
            String paragraph = place.text(passage, "text");
            for (JsonNode question : passage.path("questions")) {
                String group = place.id(row) + "/" + place.id(question);
                for (JsonNode answer : question.path("answers")) {
                    String input =
                            TextFormat.multiRc(place.text(question, "question"), place.text(answer, "text"), paragraph);
                    examples.add(Example.labelled(
                            group + "/" + place.id(answer), group, input, label(answer.path("label"), BOOLEAN, place)));
                }
            }
        });
        return examples;
    }

    /** For training one row a distinct answer, for scoring one a query with all its answers. */
    static List<Example> record(Path file, Split split) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            JsonNode passage = row.path("passage");
            String text = place.text(passage, "text");
            List<String> entities = entities(text, passage.path("entities"), place);
            for (JsonNode query : row.path("qas")) {
                TreeSet<String> distinct = new TreeSet<>(SuperGlue::byCodePoint);
                for (JsonNode answer : query.path("answers")) {
                    distinct.add(place.text(answer, "text"));
                }
                List<String> answers = distinct.isEmpty() ? List.of(Example.UNKNOWN) : List.copyOf(distinct);
                String group = place.id(row) + "/" + place.id(query);
                String input = TextFormat.record(place.text(query, "query"), entities, text);
                int rows = split == Split.TRAIN ? answers.size() : 1;
                for (int i = 0; i < rows; i++) {
                    String id = split == Split.TRAIN ? group + "/" + i : group;
                    examples.add(new Example(id, group, input, answers.get(i), "", answers, answers));
                }
            }
        });
        return examples;
    }

    /** Distinct, sorted by code point; offsets count code points and the end is inside. */
    private static List<String> entities(String text, JsonNode spans, Place place) {
        TreeSet<String> entities = new TreeSet<>(SuperGlue::byCodePoint);
        int length = text.codePointCount(0, text.length());
        for (JsonNode span : spans) {
            int start = place.number(span, "start");
            int end = place.number(span, "end");
            if (start < 0 || end < start || end >= length) {
                throw place.wrong(
                        "has an entity at " + start + ".." + end + " of a passage of " + length + " characters");
            }
            entities.add(text.substring(text.offsetByCodePoints(0, start), text.offsetByCodePoints(0, end + 1)));
        }
        return List.copyOf(entities);
    }

    // String's own order is that of UTF-16 units, which differs above the basic plane.
    private static int byCodePoint(String left, String right) {
        int at = 0;
        while (at < left.length() && at < right.length()) {
            int a = left.codePointAt(at);
            int b = right.codePointAt(at);
            if (a != b) {
                return Integer.compare(a, b);
            }
            at += Character.charCount(a);
        }
        return Integer.compare(left.length(), right.length());
    }

    /** For training only the rows whose candidate is the right one, since a wrong one teaches nothing to write. */
    static List<Example> wsc(Path file, Split split) {
        List<Example> examples = new ArrayList<>();
        TaskFile.lines(file, (row, place) -> {
            JsonNode target = row.path("target");
            String label = label(row.path("label"), BOOLEAN, place);
            if (split == Split.TRAIN && !label.equals("True")) {
                return;
            }
            String input;
            try {
                input = TextFormat.wsc(
                        place.text(row, "text"), place.text(target, "span2_text"), place.number(target, "span2_index"));
            } catch (IllegalArgumentException e) {
                throw place.wrong("is inconsistent: " + e.getMessage());
            }
            String candidate = span(
                    place.text(row, "text"), place.text(target, "span1_text"), place.number(target, "span1_index"));
            String id = place.id(row);
            boolean known = !label.equals(Example.UNKNOWN);
            List<String> references = List.of(candidate);
            examples.add(new Example(
                    id, id, input, known ? candidate : Example.UNKNOWN, known ? label : "", references, references));
        });
        return examples;
    }

    /**
     * A span that the text does not hold letter for letter, mended as TensorFlow Datasets mends it, on which T5's targets
     * rest: the first letter's case that of the word at {@code index}, no period at the end, no line break.
     */
    private static String span(String text, String span, int index) {
        String[] words = text.strip().split("\\s+");
        if (text.contains(span) || span.isEmpty() || index < 0 || index >= words.length) {
            return span;
        }
        String first = span.substring(0, 1);
        first = Character.isLowerCase(words[index].charAt(0))
                ? first.toLowerCase(Locale.ROOT)
                : first.toUpperCase(Locale.ROOT);
        String mended = (first + span.substring(1)).replaceAll("\\.+$", "").replace('\n', ' ');
        // Subjects with other words between them cannot be mended.
        return text.contains(mended) ? mended : span;
    }
}
