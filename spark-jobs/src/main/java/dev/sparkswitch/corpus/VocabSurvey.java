package dev.sparkswitch.corpus;

import dev.sparkswitch.tokenizer.Tokenizer;
import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;

/** What a vocabulary does to some documents: how many tokens it takes, for which language and which script. */
final class VocabSurvey {
    private static final int SAMPLES = 12;
    private static final int SAMPLE_LENGTH = 160;
    private static final String NO_LANGUAGE = "not told";

    /**
     * Sums over some text.
     *
     * @param documents of it
     * @param characters Unicode code points
     * @param words runs of anything but white space
     * @param tokens that it is written with
     * @param unknown how many of them are the unknown piece
     */
    record Measure(long documents, long characters, long words, long tokens, long unknown) {
        static final Measure NONE = new Measure(0, 0, 0, 0, 0);

        Measure plus(Measure other) {
            return new Measure(
                    documents + other.documents,
                    characters + other.characters,
                    words + other.words,
                    tokens + other.tokens,
                    unknown + other.unknown);
        }

        double tokensPerCharacter() {
            return (double) tokens / characters;
        }

        /** Tokens a word: 1 if every word is a piece. */
        double fertility() {
            return (double) tokens / words;
        }

        double unknownShare() {
            return (double) unknown / tokens;
        }
    }

    /** A beginning of a document, cut into pieces. */
    record Sample(String language, String text, List<String> pieces) {
        Sample {
            pieces = List.copyOf(pieces);
        }
    }

    private Measure all = Measure.NONE;
    private final Map<String, Measure> languages = new TreeMap<>();
    private final Map<String, Measure> scripts = new TreeMap<>();
    private final Map<String, List<Sample>> samples = new TreeMap<>();
    private final BitSet used = new BitSet();

    /** @param documents rows of language and text */
    void measure(List<Row> documents, Tokenizer tokenizer) {
        for (Row document : documents) {
            String language = document.getAs(Corpus.LANGUAGE);
            String text = document.getAs(Corpus.TEXT);
            Measure measure = measure(text, tokenizer);
            all = all.plus(measure);
            String name = language == null || language.isEmpty() ? NO_LANGUAGE : language;
            languages.merge(name, measure, Measure::plus);
            byScript(text)
                    .forEach((script, words) ->
                            scripts.merge(script, measure(words.toString(), tokenizer), Measure::plus));
            List<Sample> shown = samples.computeIfAbsent(name, key -> new ArrayList<>());
            if (shown.size() < SAMPLES) {
                String beginning = beginning(text);
                shown.add(new Sample(name, beginning, Arrays.asList(tokenizer.split(beginning))));
            }
        }
    }

    private Measure measure(String text, Tokenizer tokenizer) {
        int[] ids = tokenizer.encode(text);
        long unknown = 0;
        for (int id : ids) {
            used.set(id);
            unknown += id == tokenizer.unknownId() ? 1 : 0;
        }
        String stripped = text.strip();
        long words = stripped.isEmpty() ? 0 : stripped.split("\\s+").length;
        return new Measure(1, text.codePointCount(0, text.length()), words, ids.length, unknown);
    }

    /** The words of a text by the script of their first letter. */
    private static Map<String, StringBuilder> byScript(String text) {
        Map<UnicodeScript, StringBuilder> words = new EnumMap<>(UnicodeScript.class);
        for (String word : text.split("\\s+")) {
            word.codePoints()
                    .filter(Character::isLetter)
                    .mapToObj(UnicodeScript::of)
                    .findFirst()
                    .ifPresent(script -> words.computeIfAbsent(script, key -> new StringBuilder())
                            .append(word)
                            .append(' '));
        }
        Map<String, StringBuilder> named = new TreeMap<>();
        words.forEach((script, joined) -> named.put(name(script), joined));
        return named;
    }

    /** A script's name as people write it, such as {@code Old Italic}. */
    static String name(UnicodeScript script) {
        StringBuilder name = new StringBuilder();
        for (String part : script.name().split("_")) {
            name.append(name.isEmpty() ? "" : " ")
                    .append(part.charAt(0))
                    .append(part.substring(1).toLowerCase(Locale.ROOT));
        }
        return name.toString();
    }

    private static String beginning(String text) {
        return text.codePointCount(0, text.length()) <= SAMPLE_LENGTH
                ? text
                : text.substring(0, text.offsetByCodePoints(0, SAMPLE_LENGTH));
    }

    /** Over all documents. */
    Measure all() {
        return all;
    }

    /** By the languages of documents. */
    Map<String, Measure> languages() {
        return languages;
    }

    /** By the scripts of words. */
    Map<String, Measure> scripts() {
        return scripts;
    }

    /** Ids that occurred. */
    int used() {
        return used.cardinality();
    }

    /** Some beginnings: of every language as many as of the others. */
    List<Sample> samples() {
        List<Sample> chosen = new ArrayList<>();
        for (int turn = 0; turn < SAMPLES; turn++) {
            for (List<Sample> ofLanguage : samples.values()) {
                if (turn < ofLanguage.size() && chosen.size() < SAMPLES) {
                    chosen.add(ofLanguage.get(turn));
                }
            }
        }
        return chosen;
    }
}
