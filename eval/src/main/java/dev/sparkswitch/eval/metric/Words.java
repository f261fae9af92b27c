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

    static boolean isSpace(char c) {
        return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
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
