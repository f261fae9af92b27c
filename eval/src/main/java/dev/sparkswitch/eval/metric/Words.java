package dev.sparkswitch.eval.metric;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Text handling with the semantics of the reference scorers, which are written in Python. */
final class Words {
    private Words() {}

    /** Splits at runs of white space as Python's {@code str.split()} does: Unicode's, the information separators too. */
    static List<String> split(String text) {
        List<String> words = new ArrayList<>();
        int start = -1;
        for (int i = 0; i < text.length(); i++) {
            if (isSpace(text.charAt(i))) {
                if (start >= 0) {
                    words.add(text.substring(start, i));
                    start = -1;
                }
            } else if (start < 0) {
                start = i;
            }
        }
        if (start >= 0) {
            words.add(text.substring(start));
        }
        return words;
    }

    /** Removes white space at the end as Python's {@code str.rstrip()} does. */
    static String stripTrailing(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** Removes white space at both ends as Python's {@code str.strip()} does. */
    static String strip(String text) {
        int start = 0;
        while (start < text.length() && isSpace(text.charAt(start))) {
            start++;
        }
        return stripTrailing(text.substring(start));
    }

    static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
    }

    /**
     * Lower case as Python's {@code str.lower()} has it: one character after the other, but for the dotted capital I and a
     * sigma that ends a word. (Java finds the ends of words by other rules.)
     */
    static String lower(String text) {
        StringBuilder lower = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            int next = i + Character.charCount(c);
            if (c == 'İ') {
                lower.append("i\u0307");
            } else if (c == 'Σ') {
                lower.append(endsWord(text, i, next) ? 'ς' : 'σ');
            } else {
                lower.appendCodePoint(Character.toLowerCase(c));
            }
            i = next;
        }
        return lower.toString();
    }

    /** Unicode's Final_Sigma: a cased letter before, none after, those that case ignores passed over. */
    private static boolean endsWord(String text, int start, int end) {
        int before = start;
        while (before > 0 && caseIgnores(text.codePointBefore(before))) {
            before -= Character.charCount(text.codePointBefore(before));
        }
        int after = end;
        while (after < text.length() && caseIgnores(text.codePointAt(after))) {
            after += Character.charCount(text.codePointAt(after));
        }
        return before > 0
                && cased(text.codePointBefore(before))
                && !(after < text.length() && cased(text.codePointAt(after)));
    }

    private static boolean cased(int c) {
        return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
    }

    /** Unicode's Case_Ignorable: marks, formats, modifiers, and the marks inside words. */
    private static boolean caseIgnores(int c) {
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL -> true;
            default -> "':.·\u0387\u055F\u05F4‘’․‧︓﹒﹕＇．：".indexOf(c) >= 0;
        };
    }

    /** What Python's {@code \\w} matches: letters, numbers and the underscore, in any script. */
    static boolean isWord(int c) {
        return switch (Character.getType(c)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER,
                    Character.DECIMAL_DIGIT_NUMBER,
                    Character.LETTER_NUMBER,
                    Character.OTHER_NUMBER -> true;
            default -> c == '_';
        };
    }

    static Map<String, Integer> counts(List<String> words) {
        Map<String, Integer> counts = new HashMap<>();
        for (String word : words) {
            counts.merge(word, 1, Integer::sum);
        }
        return counts;
    }

    /** The size of the intersection of two multisets. */
    static int overlap(Map<String, Integer> left, Map<String, Integer> right) {
        Map<String, Integer> small = left.size() <= right.size() ? left : right;
        Map<String, Integer> large = small == left ? right : left;
        int overlap = 0;
        for (Map.Entry<String, Integer> entry : small.entrySet()) {
            overlap += Math.min(entry.getValue(), large.getOrDefault(entry.getKey(), 0));
        }
        return overlap;
    }
}
