package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import java.util.List;
import java.util.Optional;

/**
 * Drops texts that repeat themselves: the thresholds of Gopher (Rae et al. 2021, table A1), counted as FineWeb's {@code
 * datatrove} counts them.
 */
record GopherRepetitionRule(Thresholds thresholds) implements Rule {
    private static final int[] TOP = {2, 3, 4};
    private static final int[] AGAIN = {5, 6, 7, 8, 9, 10};
    private static final String DROPPED = "dropped-repetition-";

    /** All are shares above which a text goes. */
    public record Thresholds(
            @Setting(value = "0.3", help = "gopher-repetition: most of the lines that are there again")
            double lines,

            @Setting(value = "0.3", help = "gopher-repetition: most of the paragraphs that are there again")
            double paragraphs,

            @Setting(value = "0.2", help = "gopher-repetition: most of the characters in lines that are there again")
            double lineCharacters,

            @Setting(
                    value = "0.2",
                    help = "gopher-repetition: most of the characters in paragraphs that are there again")
            double paragraphCharacters,

            @Setting(
                    value = "[0.2, 0.18, 0.16]",
                    help = "gopher-repetition: most of the characters in the most frequent run of 2, 3 and 4 words")
            List<Double> top,

            @Setting(
                    value = "[0.15, 0.14, 0.13, 0.12, 0.11, 0.1]",
                    help = "gopher-repetition: most of the characters in runs of 5 to 10 words that are there again")
            List<Double> again)
            implements java.io.Serializable {
        public Thresholds {
            if (top.size() != TOP.length || again.size() != AGAIN.length) {
                throw new IllegalArgumentException(
                        "top " + top + " needs " + TOP.length + " shares, again " + again + " " + AGAIN.length);
            }
        }
    }

    /** What a thread uses for text after text. */
    private static final class Scratch {
        private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);
        private final Words words = new Words();
        private final HashCounts counts = new HashCounts();
        private long pieces;
        private long again;
        private long againCharacters;
    }

    @Override
    public List<String> counters() {
        return List.of(
                DROPPED + "paragraphs", DROPPED + "lines", DROPPED + "frequent-words", DROPPED + "repeated-words");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        double length = Math.max(1, text.length());
        Scratch scratch = Scratch.OF_THREAD.get();
        // One line end parts lines, two part paragraphs; empty pieces in between are none.
        split(text.strip(), 2, scratch);
        if (scratch.again > thresholds.paragraphs() * scratch.pieces
                || scratch.againCharacters / length > thresholds.paragraphCharacters()) {
            return dropped("paragraphs", tally);
        }
        split(text, 1, scratch);
        if (scratch.again > thresholds.lines() * scratch.pieces
                || scratch.againCharacters / length > thresholds.lineCharacters()) {
            return dropped("lines", tally);
        }
        scratch.words.read(text);
        for (int i = 0; i < TOP.length; i++) {
            if (topCharacters(scratch, TOP[i]) / length > thresholds.top().get(i)) {
                return dropped("frequent-words", tally);
            }
        }
        for (int i = 0; i < AGAIN.length; i++) {
            if (charactersAgain(scratch, AGAIN[i]) / length > thresholds.again().get(i)) {
                return dropped("repeated-words", tally);
            }
        }
        return Optional.of(document);
    }

    private static Optional<Document> dropped(String why, Tally tally) {
        tally.count(DROPPED + why);
        return Optional.empty();
    }

    /** Counts the pieces that {@code ends} or more line ends part, and those that are there again. */
    private static void split(String text, int ends, Scratch scratch) {
        scratch.counts.clear();
        scratch.pieces = 0;
        scratch.again = 0;
        scratch.againCharacters = 0;
        int from = 0;
        while (true) {
            int to = from;
            int behind = text.length();
            while (to < text.length()) {
                int run = 0;
                while (to + run < text.length() && text.charAt(to + run) == '\n') {
                    run++;
                }
                if (run >= ends) {
                    behind = to + run;
                    break;
                }
                to += Math.max(1, run);
            }
            scratch.pieces++;
            if (scratch.counts.add(Hashes.of(text.substring(from, to))) > 1) {
                scratch.again++;
                scratch.againCharacters += to - from;
            }
            if (to >= text.length()) {
                return;
            }
            from = behind;
        }
    }

    /** The characters, blanks between words among them, of all occurrences of the most frequent run, the first of equals. */
    private static double topCharacters(Scratch scratch, int n) {
        scratch.counts.clear();
        Words words = scratch.words;
        int most = 0;
        for (int i = 0; i + n <= words.size(); i++) {
            most = Math.max(most, scratch.counts.add(words.hash(i, n)));
        }
        if (most == 0) {
            return 0;
        }
        for (int i = 0; i + n <= words.size(); i++) {
            if (scratch.counts.count(words.hash(i, n)) == most) {
                return (double) most * (characters(words, i, n) + n - 1);
            }
        }
        return 0;
    }

    /** The characters of runs that were there before, each counted from where the last ended. */
    private static double charactersAgain(Scratch scratch, int n) {
        scratch.counts.clear();
        Words words = scratch.words;
        long again = 0;
        int at = 0;
        while (at + n <= words.size()) {
            if (scratch.counts.add(words.hash(at, n)) > 1) {
                again += characters(words, at, n);
                at += n;
            } else {
                at++;
            }
        }
        return again;
    }

    private static int characters(Words words, int first, int n) {
        int characters = 0;
        for (int i = first; i < first + n; i++) {
            characters += words.length(i);
        }
        return characters;
    }
}
