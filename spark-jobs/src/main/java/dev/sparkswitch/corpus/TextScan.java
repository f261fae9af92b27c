package dev.sparkswitch.corpus;

/**
 * White space and ends of lines as Python's {@code str.split}, {@code str.strip} and {@code str.splitlines} see them, which
 * published rules are written in.
 */
final class TextScan {
    private TextScan() {}

    /** {@code str.isspace} of one character. */
    static boolean isSpace(char c) {
        if (c < 0x80) {
            return c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1C && c <= 0x1F;
        }
        if (c < 0x1680) {
            return c == 0x85 || c == 0xA0;
        }
        return c >= 0x2000 && c <= 0x200A
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000
                || c == 0x1680;
    }

    /** A character behind which {@code str.splitlines} begins another line. */
    static boolean isLineEnd(char c) {
        return c < 0x80 ? c <= 0x1E && (c >= 0x1C || c >= '\n' && c <= '\r') : c == 0x85 || c == 0x2028 || c == 0x2029;
    }

    /** The end of the line that begins at {@code from}: a line end or the text's. */
    static int lineEnd(String text, int from) {
        int at = from;
        while (at < text.length() && !isLineEnd(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /** Where the line behind the line end at {@code end} begins. */
    static int nextLine(String text, int end) {
        boolean pair = end + 1 < text.length() && text.charAt(end) == '\r' && text.charAt(end + 1) == '\n';
        return end + (pair ? 2 : 1);
    }

    /** The first character from {@code from} to {@code to} that is no white space, or {@code to}. */
    static int skipSpace(CharSequence text, int from, int to) {
        int at = from;
        while (at < to && isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    /** Behind the last character from {@code from} to {@code to} that is no white space, or {@code from}. */
    static int trimSpace(CharSequence text, int from, int to) {
        int at = to;
        while (at > from && isSpace(text.charAt(at - 1))) {
            at--;
        }
        return at;
    }

    /** Words of {@code text}: what white space parts. */
    static int words(CharSequence text, int from, int to) {
        int words = 0;
        boolean inside = false;
        for (int i = from; i < to; i++) {
            boolean space = isSpace(text.charAt(i));
            if (!space && !inside) {
                words++;
            }
            inside = !space;
        }
        return words;
    }

    /** The characters of the longest word. */
    static int longestWord(CharSequence text, int from, int to) {
        int longest = 0;
        int length = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (isSpace(c)) {
                length = 0;
            } else if (!Character.isLowSurrogate(c)) {
                length++;
                longest = Math.max(longest, length);
            }
        }
        return longest;
    }

    /** Whether all of {@code text} is white space. */
    static boolean isBlank(CharSequence text) {
        return skipSpace(text, 0, text.length()) == text.length();
    }

    /** Occurrences of {@code part} that do not overlap. */
    static int count(String text, String part) {
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
            count++;
        }
        return count;
    }
}
