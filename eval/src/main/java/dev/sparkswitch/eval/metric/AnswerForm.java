package dev.sparkswitch.eval.metric;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The normal forms in which answers to questions are compared (T5's {@code qa_utils}, after the official scripts). */
public enum AnswerForm {
    /** As it was written. */
    WRITTEN {
        @Override
        public String of(String text) {
            return text;
        }
    },
    /** SQuAD v1.1's: lower case, ASCII punctuation deleted, articles to a space, white space collapsed. */
    SQUAD {
        @Override
        public String of(String text) {
            return normal(text, PUNCTUATION, "");
        }
    },
    /** TriviaQA's: as SQuAD's, but punctuation becomes a space, and quotation marks and accents are punctuation too. */
    TRIVIA_QA {
        @Override
        public String of(String text) {
            return normal(text, PUNCTUATION + "‘’´`_", " ");
        }
    };

    private static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    // Python's \b: the borders of letters, numbers and the underscore, in any script.
    private static final Pattern ARTICLES = Pattern.compile("(?<![\\p{L}\\p{N}_])(?:a|an|the)(?![\\p{L}\\p{N}_])");

    /** The normal form of {@code text}. */
    public abstract String of(String text);

    private static String normal(String text, String punctuation, String replacement) {
        StringBuilder kept = new StringBuilder(text.length());
        String lower = text.toLowerCase(Locale.ROOT);
        for (int i = 0; i < lower.length(); i++) {
            char c = lower.charAt(i);
            if (punctuation.indexOf(c) < 0) {
                kept.append(c);
            } else {
                kept.append(replacement);
            }
        }
        List<String> words = Words.split(ARTICLES.matcher(kept).replaceAll(" "));
        return String.join(" ", words);
    }
}
