package dev.sparkswitch.tokenizer;

import dev.sparkswitch.base.UserException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text to the words that SentencePiece sees: normalized, split at white space, each with the mark U+2581 before it
 * (dummy prefix, extra white space removed, white space escaped). User symbols stand apart and are left out.
 */
final class TextNormalizer implements Serializable {
    private static final long serialVersionUID = 1L;
    static final char SPACE_MARK = '\u2581';
    /** Behind the last word of a line. */
    static final char END_OF_LINE = '\0';
    /** Behind a word that a user symbol follows. */
    static final char SYMBOL = '\t';

    private final CharacterMap characters;
    private final Pattern symbols;

    TextNormalizer(CharacterMap characters, List<String> userSymbols) {
        this.characters = characters;
        for (String symbol : userSymbols) {
            if (symbol.isBlank() || !characters.apply(symbol).equals(symbol) || symbol.indexOf(' ') >= 0) {
                throw new UserException("The user symbol '" + symbol
                        + "' is blank, holds white space or changes under NFKC; choose one that stays as it is.");
            }
        }
        // The longest symbol wins where one starts another.
        String alternatives = String.join(
                "|",
                userSymbols.stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .map(Pattern::quote)
                        .toList());
        this.symbols = userSymbols.isEmpty() ? null : Pattern.compile(alternatives);
    }

    /** That of SentencePiece's {@code nmt_nfkc}. */
    static TextNormalizer of(TrainerOptions options) {
        return new TextNormalizer(NmtNfkc.characterMap(), options.userSymbols());
    }

    /**
     * The words of a text, each with one character behind it that tells what follows: {@link #SPACE_MARK} for another word,
     * {@link #SYMBOL} or {@link #END_OF_LINE}. A line is what SentencePiece's trainer calls a sentence.
     */
    List<String> followedWords(String text) {
        List<String> words = new ArrayList<>();
        int from = 0;
        while (from <= text.length()) {
            int newline = text.indexOf('\n', from);
            int to = newline < 0 ? text.length() : newline;
            addLine(characters.apply(text.substring(from, to)), words);
            from = to + 1;
        }
        return words;
    }

    /** A word without what tells what follows it. */
    static String word(String followed) {
        return followed.substring(0, followed.length() - 1);
    }

    private void addLine(String normalized, List<String> words) {
        int at = 0;
        while (at < normalized.length()) {
            int end = normalized.indexOf(' ', at);
            if (end < 0) {
                end = normalized.length();
            }
            int next = end;
            while (next < normalized.length() && normalized.charAt(next) == ' ') {
                next++;
            }
            if (end > at) {
                char follows = next < normalized.length() ? SPACE_MARK : END_OF_LINE;
                addWord(SPACE_MARK + normalized.substring(at, end), follows, words);
            }
            at = next;
        }
    }

    private void addWord(String word, char follows, List<String> words) {
        if (symbols == null) {
            words.add(word + follows);
            return;
        }
        Matcher matcher = symbols.matcher(word);
        int at = 0;
        while (matcher.find()) {
            if (matcher.start() > at) {
                words.add(word.substring(at, matcher.start()) + SYMBOL);
            }
            at = matcher.end();
        }
        if (at < word.length()) {
            words.add(word.substring(at) + follows);
        }
    }
}
