package dev.sparkswitch.corpus;

import java.text.BreakIterator;
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
 * @param endMark whether a line without a mark at its end goes
 * @param badWords a page with one of them as a whole word goes
 */
record C4Lines(int maxWordCharacters, int minLineWords, int minSentences, EndMark endMark, BadWords badWords)
        implements Rule {
    static final String TOO_FEW_SENTENCES = "dropped-toofewsentences";

    private static final Pattern CITATION = Pattern.compile("\\[\\p{Nd}*\\]|\\[edit\\]|\\[citation needed\\]");
    private static final String[] POLICIES = {
        "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"
    };
    private static final ThreadLocal<BreakIterator> SENTENCES =
            ThreadLocal.withInitial(() -> BreakIterator.getSentenceInstance(Locale.ENGLISH));

    /** Whether a line must end in a full stop, question mark, exclamation mark or quote. */
    enum EndMark {
        REQUIRED,
        /** As in FineWeb. */
        ANY
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
        String text = document.text();
        StringBuilder kept = new StringBuilder(text.length());
        int sentences = 0;
        int from = 0;
        while (from < text.length()) {
            int end = TextScan.lineEnd(text, from);
            int first = TextScan.skipSpace(text, from, end);
            int last = TextScan.trimSpace(text, first, end);
            from = TextScan.nextLine(text, end);
            if (TextScan.longestWord(text, first, last) > maxWordCharacters) {
                tally.count("lines-with-too-long-word");
                continue;
            }
            String line = text.substring(first, last);
            if (line.indexOf('[') >= 0) {
                line = CITATION.matcher(line).replaceAll("");
            }
            switch (judge(line, tally)) {
                case DROP_PAGE -> {
                    return Optional.empty();
                }
                case DROP_LINE -> {}
                case KEEP_LINE -> {
                    if (!kept.isEmpty()) {
                        kept.append('\n');
                    }
                    kept.append(line);
                    sentences += sentences(line, minSentences - sentences);
                    tally.count("lines-valid");
                }
            }
        }
        if (sentences < minSentences) {
            tally.count(TOO_FEW_SENTENCES);
            return Optional.empty();
        }
        int first = TextScan.skipSpace(kept, 0, kept.length());
        int last = TextScan.trimSpace(kept, first, kept.length());
        if (first == last) {
            tally.count(TOO_FEW_SENTENCES);
            return Optional.empty();
        }
        return Optional.of(document.withText(kept.substring(first, last)));
    }

    private Verdict judge(String line, Tally tally) {
        if (endMark == EndMark.REQUIRED && !hasEndMark(line)) {
            tally.count("lines-no-endmark");
            return Verdict.DROP_LINE;
        }
        if (TextScan.words(line, 0, line.length()) < minLineWords) {
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
        for (String policy : POLICIES) {
            if (lower.contains(policy)) {
                tally.count("lines-policy");
                return Verdict.DROP_LINE;
            }
        }
        if (badWords.isIn(lower)) {
            tally.count("dropped-badword");
            return Verdict.DROP_PAGE;
        }
        return Verdict.KEEP_LINE;
    }

    private static boolean hasEndMark(String line) {
        if (line.isEmpty() || line.endsWith("...")) {
            return false;
        }
        char last = line.charAt(line.length() - 1);
        return last == '.' || last == '?' || last == '!' || last == '"';
    }

    /** The sentences of {@code text}, counted up to {@code enough}. */
    static int sentences(String text, int enough) {
        if (enough <= 0) {
            return 0;
        }
        BreakIterator breaks = SENTENCES.get();
        breaks.setText(text);
        int count = 0;
        for (int from = breaks.first(), to = breaks.next();
                to != BreakIterator.DONE && count < enough;
                from = to, to = breaks.next()) {
            if (TextScan.skipSpace(text, from, to) < to) {
                count++;
            }
        }
        return count;
    }
}
