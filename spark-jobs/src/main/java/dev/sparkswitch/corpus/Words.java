package dev.sparkswitch.corpus;

import java.util.Arrays;

/**
 * The words of a text and the marks between them, one after the other: a word is a run of letters, digits, marks and
 * apostrophes or hyphens between these; every other character that is no white space stands alone. Close to what English
 * tokenizers make of it, and without a model. Holds places and hashes, not texts, and is used again for the next text.
 */
final class Words {
    private static final long SEED = 0x9E3779B97F4A7C15L;

    private String text = "";
    private int[] from = new int[256];
    private int[] to = new int[256];
    private long[] hashes = new long[256];
    private int size;

    /** Takes another text apart. */
    void read(String other) {
        text = other;
        size = 0;
        int length = other.length();
        int at = 0;
        while (at < length) {
            char c = other.charAt(at);
            if (TextScan.isSpace(c)) {
                at++;
                continue;
            }
            int start = at;
            long hash = SEED;
            if (isWord(c)) {
                while (at < length
                        && (isWord(other.charAt(at))
                                || isJoint(other.charAt(at)) && at + 1 < length && isWord(other.charAt(at + 1)))) {
                    hash = (hash ^ other.charAt(at)) * 0x100000001B3L;
                    at++;
                }
            } else {
                hash = (hash ^ c) * 0x100000001B3L;
                at++;
            }
            add(start, at, mix(hash));
        }
    }

    private void add(int start, int end, long hash) {
        if (size == from.length) {
            from = Arrays.copyOf(from, 2 * size);
            to = Arrays.copyOf(to, 2 * size);
            hashes = Arrays.copyOf(hashes, 2 * size);
        }
        from[size] = start;
        to[size] = end;
        hashes[size++] = hash;
    }

    private static boolean isWord(char c) {
        return c < 0x80
                ? c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
                : Character.isLetterOrDigit(c)
                        || Character.isSurrogate(c)
                        || Character.getType(c) == Character.NON_SPACING_MARK
                        || Character.getType(c) == Character.COMBINING_SPACING_MARK;
    }

    private static boolean isJoint(char c) {
        return c == '\'' || c == '-' || c == '\u2019';
    }

    int size() {
        return size;
    }

    /** Characters of a word. */
    int length(int word) {
        return to[word] - from[word];
    }

    /** Whether it is a word, and not a mark. */
    boolean isWord(int word) {
        return isWord(text.charAt(from[word]));
    }

    boolean hasLetter(int word) {
        for (int i = from[word]; i < to[word]; i++) {
            if (Character.isLetter(text.charAt(i)) || Character.isSurrogate(text.charAt(i))) {
                return true;
            }
        }
        return false;
    }

    boolean is(int word, String other) {
        return length(word) == other.length() && text.startsWith(other, from[word]);
    }

    /** A hash of {@code count} words from {@code first} on. */
    long hash(int first, int count) {
        long hash = SEED;
        for (int i = 0; i < count; i++) {
            hash = mix(hash * 31 + hashes[first + i]);
        }
        return hash;
    }

    /** The finalizer of MurmurHash3. */
    private static long mix(long value) {
        long hash = value;
        hash = (hash ^ hash >>> 33) * 0xFF51AFD7ED558CCDL;
        hash = (hash ^ hash >>> 33) * 0xC4CEB9FE1A85EC53L;
        return hash ^ hash >>> 33;
    }
}
