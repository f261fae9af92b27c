package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * Drops texts whose lines do not look like those of prose: the rules that FineWeb adds (Penedo et al. 2024, section 3.6),
 * counted as its {@code datatrove} counts them.
 */
record FineWebQualityRule(Thresholds thresholds) implements Rule {
    private static final String DROPPED = "dropped-lines-";
    private static final ThreadLocal<HashCounts> SEEN = ThreadLocal.withInitial(HashCounts::new);
    private static final ThreadLocal<Words> WORDS = ThreadLocal.withInitial(Words::new);

    /** What a text must keep to. */
    public record Thresholds(
            @Setting(value = "0.12", help = "fineweb-quality: least of the lines that end in a mark")
            double minMarkedLines,

            @Setting(value = "0.67", help = "fineweb-quality: most of the lines that are short")
            double maxShortLines,

            @Setting(value = "30", help = "fineweb-quality: characters up to which a line is short")
            int shortLine,

            @Setting(value = "0.01", help = "fineweb-quality: most of the characters in lines that are there again")
            double maxLineCharactersAgain,

            @Setting(value = "0.3", help = "fineweb-quality: most line ends for a word")
            double maxLineEnds)
            implements Serializable {}

    @Override
    public List<String> counters() {
        return List.of(DROPPED + "marks", DROPPED + "short", DROPPED + "again", DROPPED + "list");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        HashCounts seen = SEEN.get();
        seen.clear();
        int lines = 0;
        int marked = 0;
        int brief = 0;
        int ends = 0;
        long again = 0;
        for (int from = 0; from <= text.length(); ) {
            int end = text.indexOf('\n', from);
            int to = end < 0 ? text.length() : end;
            ends += end < 0 ? 0 : 1;
            if (TextScan.skipSpace(text, from, to) < to) {
                lines++;
                marked += isMark(text.charAt(to - 1)) ? 1 : 0;
                brief += text.codePointCount(from, to) <= thresholds.shortLine() ? 1 : 0;
                if (seen.add(Hashes.of(text.substring(from, to))) > 1) {
                    again += to - from;
                }
            }
            from = to + 1;
        }
        String why = null;
        if (lines == 0 || marked < thresholds.minMarkedLines() * lines) {
            why = "marks";
        } else if (brief > thresholds.maxShortLines() * lines) {
            why = "short";
        } else if (again > thresholds.maxLineCharactersAgain() * Math.max(1, text.length() - ends)) {
            why = "again";
        } else {
            Words words = WORDS.get();
            words.read(text);
            if (ends > thresholds.maxLineEnds() * words.size()) {
                why = "list";
            }
        }
        if (why != null) {
            tally.count(DROPPED + why);
            return Optional.empty();
        }
        return Optional.of(document);
    }

    private static boolean isMark(char c) {
        return switch (c) {
            case '.', '!', '?', '"', '\'', '…', '。', '！', '？', '”', '’', '»', '।', '؟' -> true;
            default -> false;
        };
    }
}
