package dev.sparkswitch.tokenizer;

import java.io.Serializable;
import java.lang.Character.UnicodeScript;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Which strings may become pieces, after {@code TrainerInterface::IsValidSentencePiece} with SentencePiece's defaults:
 * at most so many characters, all of the alphabet, of one script (Hiragana and Katakana count as Han), the mark of a
 * space at the start alone.
 */
record PieceRules(Set<Integer> alphabet, int maxLength) implements Serializable {
    private static final int LONG_VOWEL = 0x30FC;
    /** SentencePiece trains with this in the place of every character outside the alphabet. */
    private static final int ANY_RARE = 0x2585;

    /**
     * For every character of a word the longest allowed string that begins with it, where that has two characters or more,
     * and the character behind it. Whatever begins such a string is allowed too, so these stand for all candidates in the
     * word; with the character behind it no string is allowed.
     *
     * @param followed a word of {@link TextNormalizer#followedWords}
     */
    List<String> suffixes(String followed) {
        List<String> suffixes = new ArrayList<>();
        int length = followed.length() - 1;
        for (int begin = 0; begin < length; begin = followed.offsetByCodePoints(begin, 1)) {
            int end = end(followed, begin, length);
            if (followed.codePointCount(begin, end) >= Suffixes.SHORTEST) {
                int behind = followed.codePointAt(end);
                boolean known = end == length || alphabet.contains(behind);
                suffixes.add(followed.substring(begin, end) + Character.toString(known ? behind : ANY_RARE));
            }
        }
        return suffixes;
    }

    /** Whether these characters may be one piece. */
    boolean allow(int[] characters) {
        String text = new String(characters, 0, characters.length);
        return end(text, 0, text.length()) == text.length();
    }

    private int end(String word, int begin, int limit) {
        UnicodeScript script = null;
        int end = begin;
        for (int length = 0; end < limit && length < maxLength; length++) {
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
        }
        return end;
    }

    private static UnicodeScript script(int character, UnicodeScript before) {
        UnicodeScript script = UnicodeScript.of(character);
        if (script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA || character == LONG_VOWEL) {
            return UnicodeScript.HAN;
        }
        return script == UnicodeScript.INHERITED ? before : script;
    }

    /** The number of characters (code points). */
    static int length(String piece) {
        return piece.codePointCount(0, piece.length());
    }
}
