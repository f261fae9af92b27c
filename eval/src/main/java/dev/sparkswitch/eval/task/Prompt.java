package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.UserException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How a row becomes the text that the model reads: words with {@code {field}}s in them, where {@code {{} and {@code }}} stand
 * for braces. Some have names, T5's where T5 has one:
 *
 * <ul>
 *   <li>{@code plain}: <code>{text}</code>
 *   <li>{@code summarize}: <code>summarize: {text}</code>
 *   <li>{@code question}: <code>question: {question} context: {context}</code>
 *   <li>{@code chat}: <code>user: {text} assistant:</code>
 *   <li>{@code translate-english-to-german}, any two languages: <code>translate English to German: {text}</code>
 * </ul>
 */
public final class Prompt implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final Map<String, String> NAMED = Map.of(
            "plain", "{text}",
            "summarize", "summarize: {text}",
            "question", "question: {question} context: {context}",
            "chat", "user: {text} assistant:");
    private static final Pattern TRANSLATION = Pattern.compile("translate-([a-z]+)-to-([a-z]+)");

    /** Words, or the name of a field. */
    private record Part(boolean field, String text) implements Serializable {}

    private final ArrayList<Part> parts = new ArrayList<>();

    /**
     * Reads a prompt.
     *
     * @param prompt a template, or the name of one
     * @throws UserException where it is neither
     */
    public static Prompt of(String prompt) {
        if (NAMED.containsKey(prompt)) {
            return new Prompt(NAMED.get(prompt));
        }
        Matcher translation = TRANSLATION.matcher(prompt);
        if (translation.matches()) {
            return new Prompt(
                    "translate " + capital(translation.group(1)) + " to " + capital(translation.group(2)) + ": {text}");
        }
        Prompt read = new Prompt(prompt);
        if (read.fields().isEmpty()) {
            throw new UserException("prompt '" + prompt + "' has no {field} and is no name of a prompt: give a template"
                    + " such as 'summarize: {text}', or one of plain, summarize, question, chat,"
                    + " translate-english-to-german.");
        }
        return read;
    }

    private static String capital(String word) {
        return word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    private Prompt(String template) {
        StringBuilder words = new StringBuilder();
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if ((c == '{' || c == '}') && i + 1 < template.length() && template.charAt(i + 1) == c) {
                words.append(c);
                i++;
            } else if (c == '{') {
                int end = template.indexOf('}', i);
                if (end < 0 || end == i + 1) {
                    throw broken(template, i);
                }
                parts.add(new Part(false, words.toString()));
                words.setLength(0);
                parts.add(new Part(true, template.substring(i + 1, end)));
                i = end;
            } else if (c == '}') {
                throw broken(template, i);
            } else {
                words.append(c);
            }
        }
        parts.add(new Part(false, words.toString()));
    }

    private static UserException broken(String template, int at) {
        return new UserException("prompt '" + template + "' has a '" + template.charAt(at) + "' at character "
                + (at + 1) + " that belongs to no {field}: close it, or double it to mean a brace.");
    }

    /** The fields that a row needs. */
    public Set<String> fields() {
        Set<String> fields = new LinkedHashSet<>();
        for (Part part : parts) {
            if (part.field()) {
                fields.add(part.text());
            }
        }
        return fields;
    }

    /** The field that is all of the prompt, if it is nothing else. */
    Optional<String> single() {
        List<Part> filled =
                parts.stream().filter(part -> !part.text().isEmpty()).toList();
        return filled.size() == 1 && filled.get(0).field()
                ? Optional.of(filled.get(0).text())
                : Optional.empty();
    }

    /**
     * The text of a row.
     *
     * @param row its fields
     * @param number its place in the input, from 1, for errors
     * @throws UserException where a field is missing or empty
     */
    public String fill(JsonNode row, long number) {
        StringBuilder text = new StringBuilder();
        for (Part part : parts) {
            text.append(part.field() ? value(row, part.text(), number) : part.text());
        }
        return text.toString();
    }

    private static String value(JsonNode row, String field, long number) {
        JsonNode value = row.get(field);
        if (value == null) {
            List<String> there = new ArrayList<>();
            for (Iterator<String> names = row.fieldNames(); names.hasNext(); ) {
                there.add(names.next());
            }
            throw new UserException("Row " + number + " of the input has no field '" + field + "', only "
                    + String.join(", ", there) + ": correct prompt or the row.");
        }
        String text = value.isValueNode() ? value.asText() : value.toString();
        if (value.isNull() || text.isBlank()) {
            throw new UserException("Row " + number + " of the input has an empty field '" + field
                    + "': fill it, or take the row out.");
        }
        return text;
    }
}
