package dev.sparkswitch.tokenizer;

/** What tries and lattices over UTF-8 need to know of it. */
final class Utf8 {
    private Utf8() {}

    /** The bytes of the character that starts with {@code first}, in well-formed UTF-8. */
    static int length(byte first) {
        if (first >= 0) {
            return 1;
        }
        int unsigned = first & 0xFF;
        return unsigned >= 0xF0 ? 4 : unsigned >= 0xE0 ? 3 : 2;
    }
}
