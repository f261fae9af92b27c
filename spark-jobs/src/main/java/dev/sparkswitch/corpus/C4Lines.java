package dev.sparkswitch.corpus;

import java.text.BreakIterator;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The line and page rules of C4, in its order (Raffel et al. 2020, section 2.2; {@code clean_page} of TensorFlow
 * Datasets' {@code c4_utils}). Counters have C4's names, those of dropped pages {@code dropped-} instead of {@code
 * filtered-page-}.
 *
 * @param maxWordCharacters a line with a longer word goes
 * @param minLineWords a line with fewer words goes
 * @param minSentences a page with fewer sentences in its lines goes
 * @param badWords a page with one of them as a whole word goes; in lower case
 */
record C4Lines(int maxWordCharacters, int minLineWords, int minSentences, List<String> badWords) implements Rule {
    static final String TOO_FEW_SENTENCES = "dropped-toofewsentences";

    private static final Pattern CITATION = Pattern.compile("\\[\\d*\\]|\\[edit\\]|\\[citation needed\\]");
    private static final Pattern LINE = Pattern.compile("\\R");
    private static final Pattern WORD = Pattern.compile("\\s+");
    private static final List<String> END_MARKS = List.of(".", "?", "!", "\"");
    private static final String ELLIPSIS = "...";
    private static final List<String> POLICIES =
            List.of("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies");

    C4Lines {
        badWords = List.copyOf(badWords);
    }

    /** Where a line sends its page. */
    private enum Verdict {
        KEEP_LINE,
        DROP_LINE,
        DROP_PAGE
    }

    @Override
    public List<String> counters() {
        return List.of(
                "lines-valid",
                "lines-with-too-long-word",
                "lines-no-endmark",
                "lines-too-short",
                "lines-javascript",
                "lines-policy",
                "dropped-loremipsum",
                "dropped-squigglybracket",
                "dropped-badword",
                TOO_FEW_SENTENCES);
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        List<String> kept = new ArrayList<>();
        int sentences = 0;
        for (String raw : LINE.split(document.text())) {
            String line = raw.strip();
            if (longestWord(line) > maxWordCharacters) {
                tally.count("lines-with-too-long-word");
                continue;
            }
            line = CITATION.matcher(line).replaceAll("");
            switch (judge(line, tally)) {
                case DROP_PAGE -> {
                    return Optional.empty();
                }
                case DROP_LINE -> {}
                case KEEP_LINE -> {
                    kept.add(line);
                    sentences += sentences(line, minSentences - sentences);
                    tally.count("lines-valid");
                }
            }
        }
        if (sentences < minSentences) {
            tally.count(TOO_FEW_SENTENCES);
            return Optional.empty();
        }
        return Optional.of(document.withText(String.join("\n", kept).strip()));
    }

    private Verdict judge(String line, Tally tally) {
        if (END_MARKS.stream().noneMatch(line::endsWith) || line.endsWith(ELLIPSIS)) {
            tally.count("lines-no-endmark");
            return Verdict.DROP_LINE;
        }
        if (WORD.split(line).length < minLineWords) {
            tally.count("lines-too-short");
            return Verdict.DROP_LINE;
        }
        String lower = line.toLowerCase(Locale.ROOT);
        if (lower.contains("lorem ipsum")) {
            tally.count("dropped-loremipsum");
            return Verdict.DROP_PAGE;
        }
        if (lower.contains("javascript")) {
            tally.count("lines-javascript");
            return Verdict.DROP_LINE;
        }
        if (line.indexOf('{') >= 0) {
            tally.count("dropped-squigglybracket");
            return Verdict.DROP_PAGE;
        }
        if (POLICIES.stream().anyMatch(lower::contains)) {
            tally.count("lines-policy");
            return Verdict.DROP_LINE;
        }
        if (badWords.stream().anyMatch(word -> containsWord(lower, word))) {
            tally.count("dropped-badword");
            return Verdict.DROP_PAGE;
        }
        return Verdict.KEEP_LINE;
    }

    private static int longestWord(String line) {
        int longest = 0;
        int length = 0;
        for (int i = 0; i < line.length(); i++) {
            length = Character.isWhitespace(line.charAt(i)) ? 0 : length + 1;
            longest = Math.max(longest, length);
        }
        return longest;
    }

    /** Whether {@code word} stands in {@code text} with no letter, digit or underscore beside it. */
    private static boolean containsWord(String text, String word) {
        for (int at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
            int end = at + word.length();
            if ((at == 0 || !isWordCharacter(text.charAt(at - 1)))
                    && (end == text.length() || !isWordCharacter(text.charAt(end)))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isWordCharacter(char character) {
        return Character.isLetterOrDigit(character) || character == '_';
    }

    /** The sentences of {@code text}, counted up to {@code enough}. */
    static int sentences(String text, int enough) {
        if (enough <= 0) {
            return 0;
        }
        BreakIterator breaks = BreakIterator.getSentenceInstance(Locale.ENGLISH);
        breaks.setText(text);
        int count = 0;
        for (int from = breaks.first(), to = breaks.next();
                to != BreakIterator.DONE && count < enough;
                from = to, to = breaks.next()) {
            if (!text.substring(from, to).isBlank()) {
                count++;
            }
        }
        return count;
    }
}
