package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;

/** Words and phrases that drop a page, found in one go over a line however many there are. */
final class BadWords implements Serializable {
    private static final long serialVersionUID = 1L;
    static final BadWords NONE = new BadWords(List.of());

    /** Phrases by their first word. */
    private final HashMap<String, ArrayList<String>> byFirstWord = new HashMap<>();
    /** Those that begin with something else. */
    private final ArrayList<String> others = new ArrayList<>();

    /**
     * @param phrases in any case; blank ones are left out
     */
    BadWords(List<String> phrases) {
        for (String phrase : phrases) {
            String lower = phrase.strip().toLowerCase(Locale.ROOT);
            int end = wordEnd(lower, 0);
            if (end > 0) {
                byFirstWord
                        .computeIfAbsent(lower.substring(0, end), first -> new ArrayList<>())
                        .add(lower);
            } else if (!lower.isEmpty()) {
                others.add(lower);
            }
        }
    }

    /** Whether one of them stands in {@code lower} with no letter, digit or underscore beside it. */
    boolean isIn(String lower) {
        for (int i = 0; i < others.size(); i++) {
            String phrase = others.get(i);
            for (int at = lower.indexOf(phrase); at >= 0; at = lower.indexOf(phrase, at + 1)) {
                if ((at == 0 || !isWordCharacter(lower.codePointBefore(at))) && endsAt(lower, at + phrase.length())) {
                    return true;
                }
            }
        }
        if (byFirstWord.isEmpty()) {
            return false;
        }
        int at = 0;
        while (at < lower.length()) {
            int end = wordEnd(lower, at);
            if (end == at) {
                at++;
                continue;
            }
            List<String> phrases = byFirstWord.get(lower.substring(at, end));
            if (phrases != null) {
                for (int i = 0; i < phrases.size(); i++) {
                    String phrase = phrases.get(i);
                    if (lower.startsWith(phrase, at) && endsAt(lower, at + phrase.length())) {
                        return true;
                    }
                }
            }
            at = end;
        }
        return false;
    }

    private static boolean endsAt(String text, int end) {
        return end == text.length() || !isWordCharacter(text.codePointAt(end));
    }

    private static int wordEnd(String text, int from) {
        int at = from;
        while (at < text.length() && isWordCharacter(text.codePointAt(at))) {
            at += Character.charCount(text.codePointAt(at));
        }
        return at;
    }

    /** What {@code \w} is in Python's regular expressions: letters, numbers of every kind and the underscore. */
    private static boolean isWordCharacter(int character) {
        if (Character.isLetterOrDigit(character) || character == '_') {
            return true;
        }
        int type = Character.getType(character);
        return type == Character.LETTER_NUMBER || type == Character.OTHER_NUMBER;
    }
}
