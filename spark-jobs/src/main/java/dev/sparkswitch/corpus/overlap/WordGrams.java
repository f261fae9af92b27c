package dev.sparkswitch.corpus.overlap;

import java.lang.Character.UnicodeScript;

/**
 * Hashes of all runs of n consecutive words of a text. A word is a run of letters, digits and marks, in lower case;
 * punctuation and blanks only part words. In scripts that are written without blanks every character is a word.
 *
 * <p>The hash of a run is a polynomial in the words' hashes modulo 2^64, updated from run to run (Karp and Rabin 1987),
 * then mixed, so a text costs a few operations a character and no memory. One instance serves one thread.
 */
public final class WordGrams {
    /** Takes one run: its hash and the characters {@code from} to {@code to} that it covers. */
    @FunctionalInterface
    public interface Run {
        void accept(long hash, int from, int to);
    }

    private static final long BASE = 0x9E3779B97F4A7C15L;
    private static final long FNV_OFFSET = 0xCBF29CE484222325L;
    private static final long FNV_PRIME = 0x100000001B3L;
    /** Below it no script does without blanks: Thai is the first that does. */
    private static final int FIRST_UNSPACED = 0x0E00;

    private final int length;
    /** BASE^length: what the first word of a run has been multiplied with when it leaves. */
    private final long leaving;

    private final long[] words;
    private final int[] starts;
    private int count;
    private long rolling;

    /** @param length words of a run, 1 or more */
    public WordGrams(int length) {
        if (length < 1) {
            throw new IllegalArgumentException("runs of " + length + " words");
        }
        this.length = length;
        this.words = new long[length];
        this.starts = new int[length];
        long power = 1;
        for (int i = 0; i < length; i++) {
            power *= BASE;
        }
        this.leaving = power;
    }

    /**
     * Hands every run of {@code text} to {@code runs}, in order.
     *
     * @return the number of words; there is no run if it is less than the length of one
     */
    public int scan(CharSequence text, Run runs) {
        count = 0;
        rolling = 0;
        int size = text.length();
        int at = 0;
        while (at < size) {
            int start = at;
            long hash = FNV_OFFSET;
            boolean alone = false;
            while (at < size && !alone) {
                char unit = text.charAt(at);
                if (unit < 0x80) {
                    int lower = lowerAscii(unit);
                    if (lower == 0) {
                        break;
                    }
                    hash = (hash ^ lower) * FNV_PRIME;
                    at++;
                } else {
                    int codePoint = Character.codePointAt(text, at);
                    if (!isOfWord(codePoint)) {
                        break;
                    }
                    alone = isWord(codePoint);
                    if (alone && at > start) {
                        break;
                    }
                    hash = (hash ^ Character.toLowerCase(codePoint)) * FNV_PRIME;
                    at += Character.charCount(codePoint);
                }
            }
            if (at > start) {
                add(mixed(hash), start, at, runs);
            } else {
                at += Character.charCount(Character.codePointAt(text, at));
            }
        }
        return count;
    }

    /** The hash of all words that the last text had, for one that is shorter than a run. */
    public long whole() {
        return mixed(rolling + count);
    }

    private void add(long word, int start, int end, Run runs) {
        int place = count % length;
        rolling = rolling * BASE + word;
        if (count >= length) {
            rolling -= words[place] * leaving;
        }
        words[place] = word;
        starts[place] = start;
        count++;
        if (count >= length) {
            runs.accept(mixed(rolling), starts[count % length], end);
        }
    }

    /** The lower-case letter or digit, or 0 for any other character. */
    private static int lowerAscii(char unit) {
        if (unit >= 'a' && unit <= 'z' || unit >= '0' && unit <= '9') {
            return unit;
        }
        return unit >= 'A' && unit <= 'Z' ? unit + 32 : 0;
    }

    private static boolean isOfWord(int codePoint) {
        if (Character.isLetterOrDigit(codePoint)) {
            return true;
        }
        int type = Character.getType(codePoint);
        return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
    }

    private static boolean isWord(int codePoint) {
        if (codePoint < FIRST_UNSPACED || !Character.isLetter(codePoint)) {
            return false;
        }
        return switch (UnicodeScript.of(codePoint)) {
            case HAN, HIRAGANA, KATAKANA, THAI, LAO, KHMER, MYANMAR -> true;
            default -> false;
        };
    }

    /** The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit depends on every bit. */
    static long mixed(long hash) {
        long mixed = (hash ^ hash >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}
