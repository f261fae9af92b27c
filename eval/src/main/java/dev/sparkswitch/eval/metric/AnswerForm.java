package dev.sparkswitch.eval.metric;

import java.util.Set;

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
    private static final Set<String> ARTICLES = Set.of("a", "an", "the");

    /** The normal form of {@code text}. */
    public abstract String of(String text);

    private static String normal(String text, String punctuation, String replacement) {
        StringBuilder kept = new StringBuilder(text.length());
        String lower = Words.lower(text);
        for (int i = 0; i < lower.length(); i++) {
            char c = lower.charAt(i);
            if (punctuation.indexOf(c) < 0) {
                kept.append(c);
            } else {
                kept.append(replacement);
            }
        }
        return String.join(" ", Words.split(withoutArticles(kept.toString())));
    }

    /** Each run of word characters that is an article becomes a space. */
    private static String withoutArticles(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        int start = 0;
        while (start < text.length()) {
            int end = start;
            while (end < text.length() && Words.isWord(text.codePointAt(end))) {
                end += Character.charCount(text.codePointAt(end));
            }
            String run = text.substring(start, end);
            kept.append(ARTICLES.contains(run) ? " " : run);
            if (end < text.length()) {
                kept.appendCodePoint(text.codePointAt(end));
                end += Character.charCount(text.codePointAt(end));
            }
            start = end;
        }
        return kept.toString();
    }
}
