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

    /** The bytes of the well-formed character at {@code at}, or 0 if none stands there. */
    static int validLength(byte[] text, int at) {
        int first = text[at] & 0xFF;
        if (first < 0x80) {
            return 1;
        }
        if (first < 0xC2 || first > 0xF4) {
            return 0;
        }
        int length = length(text[at]);
        if (at + length > text.length) {
            return 0;
        }
        int codePoint = first & 0xFF >> (length + 1);
        for (int i = at + 1; i < at + length; i++) {
            if ((text[i] & 0xC0) != 0x80) {
                return 0;
            }
            codePoint = codePoint << 6 | text[i] & 0x3F;
        }
        boolean overlong = length == 3 && codePoint < 0x800 || length == 4 && codePoint < 0x10000;
        boolean surrogate = codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
        return overlong || surrogate || codePoint > Character.MAX_CODE_POINT ? 0 : length;
    }
}
