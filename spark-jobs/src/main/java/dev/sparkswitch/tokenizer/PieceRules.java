package dev.sparkswitch.tokenizer;

import java.io.Serializable;
import java.lang.Character.UnicodeScript;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which strings may become pieces, after {@code TrainerInterface::IsValidSentencePiece} with SentencePiece's defaults:
 * at most so many characters, all of the alphabet, of one script (Hiragana and Katakana count as Han), the mark of a
 * space at the start alone.
 */
record PieceRules(Set<Integer> alphabet, int maxLength) implements Serializable {
    private static final int LONG_VOWEL = 0x30FC;

    /** Hands every allowed substring of two or more characters of {@code word} to {@code sink}. */
    void forEachSubstring(String word, Consumer<String> sink) {
        for (int begin = 0; begin < word.length(); begin = word.offsetByCodePoints(begin, 1)) {
            UnicodeScript script = null;
            int characters = 0;
            int end = begin;
            while (end < word.length() && characters < maxLength) {
                int character = word.codePointAt(end);
                if (!alphabet.contains(character)) {
                    break;
                }
                if (character == TextNormalizer.SPACE_MARK) {
                    if (end > begin) {
                        break;
                    }
                } else {
                    UnicodeScript own = script(character, script);
                    if (script != null && own != script) {
                        break;
                    }
                    script = own;
                }
                end += Character.charCount(character);
                if (++characters >= 2) {
                    sink.accept(word.substring(begin, end));
                }
            }
        }
    }

    private static UnicodeScript script(int character, UnicodeScript before) {
        UnicodeScript script = UnicodeScript.of(character);
        if (script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA || character == LONG_VOWEL) {
            return UnicodeScript.HAN;
        }
        return script == UnicodeScript.INHERITED ? before : script;
    }

    static String withoutLast(String piece) {
        return piece.substring(0, piece.offsetByCodePoints(piece.length(), -1));
    }

    /** The number of characters (code points). */
    static int length(String piece) {
        return piece.codePointCount(0, piece.length());
    }
}
