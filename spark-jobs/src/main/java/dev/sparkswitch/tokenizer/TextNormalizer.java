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

    List<String> words(String text) {
        String normalized = characters.apply(text);
        List<String> words = new ArrayList<>();
        int at = 0;
        while (at < normalized.length()) {
            int end = normalized.indexOf(' ', at);
            if (end < 0) {
                end = normalized.length();
            }
            if (end > at) {
                addWord(SPACE_MARK + normalized.substring(at, end), words);
            }
            at = end + 1;
        }
        return words;
    }

    private void addWord(String word, List<String> words) {
        if (symbols == null) {
            words.add(word);
            return;
        }
        Matcher matcher = symbols.matcher(word);
        int at = 0;
        while (matcher.find()) {
            if (matcher.start() > at) {
                words.add(word.substring(at, matcher.start()));
            }
            at = matcher.end();
        }
        if (at < word.length()) {
            words.add(word.substring(at));
        }
    }
}
