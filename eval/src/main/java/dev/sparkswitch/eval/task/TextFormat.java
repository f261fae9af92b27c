package dev.sparkswitch.eval.task;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * T5's text formats (Raffel et al. 2020, appendix D; {@code t5.data.preprocessors}), byte for byte. A space more or less
 * changes published scores, so nothing here is tidied.
 */
public final class TextFormat {
    private static final Pattern PUNCTUATION = Pattern.compile("([!-/:-@\\[-`{-~])");
    // RE2's white space, which lacks the vertical tab of Java's.
    private static final Pattern SPACES = Pattern.compile("[\\t\\n\\f\\r ]+");
    private static final Pattern BOLD = Pattern.compile("</?b>");
    private static final Pattern HIGHLIGHT_AFTER_STOP = Pattern.compile("([.?!\"'])\\n@highlight\\n");

    private TextFormat() {}

    /** {@code NAME key: value key: value ...}, the form of the SuperGLUE tasks; fields in the order given. */
    public static String fields(String name, List<Map.Entry<String, String>> fields) {
        StringBuilder text = new StringBuilder(name);
        for (Map.Entry<String, String> field : fields) {
            text.append(' ').append(field.getKey()).append(": ").append(field.getValue());
        }
        return text.toString();
    }

    /** MultiRC: as {@link #fields}, line breaks of HTML to spaces, bold marks dropped. */
    public static String multiRc(String question, String answer, String paragraph) {
        String text = fields(
                "multirc",
                List.of(
                        Map.entry("question", question),
                        Map.entry("answer", answer),
                        Map.entry("paragraph", paragraph)));
        return BOLD.matcher(text.replace("<br>", " ")).replaceAll("");
    }

    /** ReCoRD: entities joined by commas; a highlight becomes a sentence of its own. */
    public static String record(String query, List<String> entities, String passage) {
        String text = HIGHLIGHT_AFTER_STOP.matcher(passage).replaceAll("$1 ").replace("\n@highlight\n", ". ");
        return "record query: " + query + " entities: " + String.join(", ", entities) + " passage: " + text;
    }

    /**
     * WSC in generative form: the pronoun between asterisks.
     *
     * @param index the pronoun's place among the words of {@code text} separated by single spaces
     * @throws IllegalArgumentException if the pronoun is neither there nor in the next word
     */
    public static String wsc(String text, String pronoun, int index) {
        String[] words = text.split(" ", -1);
        String marked = '*' + pronoun + '*';
        if (word(words, index).equals(pronoun)) {
            words[index] = marked;
            return "wsc: " + String.join(" ", words);
        }
        // One row of the official files counts a word too few.
        if (word(words, index + 1).equals(pronoun)) {
            words[index + 1] = marked;
            return "wsc: " + String.join(" ", words);
        }
        // In another the pronoun is glued to punctuation; T5 sets it apart and drops the space at the end.
        if (word(words, index).startsWith(pronoun)) {
            words[index] = marked + " " + words[index].substring(pronoun.length());
            return "wsc: " + String.join(" ", words).stripTrailing();
        }
        throw new IllegalArgumentException("word " + index + " is not the pronoun \"" + pronoun + "\"");
    }

    private static String word(String[] words, int index) {
        return index >= 0 && index < words.length ? words[index] : "";
    }

    /** SQuAD: {@code question: Q context: C}, padded by {@link #padPunctuation}. */
    public static String squad(String question, String context) {
        return collapse("question: " + padPunctuation(question) + " context: " + padPunctuation(context));
    }

    /** A space on both sides of each ASCII punctuation mark, then runs of white space to one space; ends keep theirs. */
    public static String padPunctuation(String text) {
        return collapse(PUNCTUATION.matcher(text).replaceAll(" $1 "));
    }

    /** Summarisation. */
    public static String summarize(String document) {
        return "summarize: " + document;
    }

    /** Translation; languages by their English names. */
    public static String translate(String from, String to, String text) {
        return "translate " + from + " to " + to + ": " + text;
    }

    private static String collapse(String text) {
        return SPACES.matcher(text).replaceAll(" ");
    }
}
