package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;

/**
 * Drops texts that do not look like prose: the rules of Gopher (Rae et al. 2021, section A.1.1), counted as FineWeb's {@code
 * datatrove} counts them.
 */
record GopherQualityRule(Thresholds thresholds) implements Rule {
    private static final String DROPPED = "dropped-quality-";
    private static final ThreadLocal<Words> WORDS = ThreadLocal.withInitial(Words::new);

    /** What a text must keep to. */
    public record Thresholds(
            @Setting(value = "50", help = "gopher-quality: least words")
            int minWords,

            @Setting(value = "100000", help = "gopher-quality: most words")
            int maxWords,

            @Setting(value = "3", help = "gopher-quality: least mean characters of a word")
            double minMeanWord,

            @Setting(value = "10", help = "gopher-quality: most mean characters of a word")
            double maxMeanWord,

            @Setting(value = "0.1", help = "gopher-quality: most hash signs, or ellipses, for a word")
            double maxSymbols,

            @Setting(value = "0.9", help = "gopher-quality: most of the lines that begin with a bullet")
            double maxBulletLines,

            @Setting(value = "0.3", help = "gopher-quality: most of the lines that end in an ellipsis")
            double maxEllipsisLines,

            @Setting(value = "0.8", help = "gopher-quality: least of the words that have a letter")
            double minAlphabetic,

            @Setting(value = "2", help = "gopher-quality: least of the stop words that occur")
            int minStopWords,

            @Setting(
                    value = "[the, be, to, of, and, that, have, with]",
                    help = "gopher-quality: words that prose of the language holds; in lower case")
            List<String> stopWords)
            implements Serializable {}

    @Override
    public List<String> counters() {
        return List.of(
                DROPPED + "few-words",
                DROPPED + "many-words",
                DROPPED + "word-length",
                DROPPED + "symbols",
                DROPPED + "bullets",
                DROPPED + "ellipses",
                DROPPED + "letters",
                DROPPED + "stop-words");
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        String text = document.text();
        Words words = WORDS.get();
        words.read(text);
        int count = 0;
        long characters = 0;
        int alphabetic = 0;
        int stops = 0;
        long found = 0;
        for (int i = 0; i < words.size(); i++) {
            if (words.isWord(i)) {
                count++;
                characters += words.length(i);
            }
            if (words.hasLetter(i)) {
                alphabetic++;
            }
            for (int stop = 0; stop < thresholds.stopWords().size(); stop++) {
                if (words.is(i, thresholds.stopWords().get(stop)) && (found >>> stop & 1) == 0) {
                    found |= 1L << stop;
                    stops++;
                }
            }
        }
        double all = Math.max(1, words.size());
        double mean = (double) characters / Math.max(1, count);
        String why = null;
        if (count < thresholds.minWords()) {
            why = "few-words";
        } else if (count > thresholds.maxWords()) {
            why = "many-words";
        } else if (mean < thresholds.minMeanWord() || mean > thresholds.maxMeanWord()) {
            why = "word-length";
        } else if (TextScan.count(text, "#") / all > thresholds.maxSymbols()
                || (TextScan.count(text, "...") + TextScan.count(text, "…")) / all > thresholds.maxSymbols()) {
            why = "symbols";
        } else {
            why = lines(text);
            if (why == null && alphabetic / all < thresholds.minAlphabetic()) {
                why = "letters";
            } else if (why == null && stops < thresholds.minStopWords()) {
                why = "stop-words";
            }
        }
        if (why != null) {
            tally.count(DROPPED + why);
            return Optional.empty();
        }
        return Optional.of(document);
    }

    private String lines(String text) {
        int lines = 0;
        int bullets = 0;
        int ellipses = 0;
        for (int from = 0; from < text.length(); ) {
            int end = TextScan.lineEnd(text, from);
            int first = TextScan.skipSpace(text, from, end);
            int last = TextScan.trimSpace(text, first, end);
            lines++;
            if (first < last && (text.charAt(first) == '•' || text.charAt(first) == '-')) {
                bullets++;
            }
            if (first < last
                    && (text.charAt(last - 1) == '…' || last - first >= 3 && text.startsWith("...", last - 3))) {
                ellipses++;
            }
            from = TextScan.nextLine(text, end);
        }
        if (bullets > thresholds.maxBulletLines() * lines) {
            return "bullets";
        }
        return ellipses > thresholds.maxEllipsisLines() * lines ? "ellipses" : null;
    }
}
