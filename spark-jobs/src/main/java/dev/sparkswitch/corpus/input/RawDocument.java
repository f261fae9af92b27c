package dev.sparkswitch.corpus.input;

/**
 * One row of the input.
 *
 * @param text its text; of a row that is not {@link Flaw#NONE sound}, what is wrong with it
 * @param url the address of its page, or empty
 * @param source the file, below the path that was given, or the table
 * @param position where in the source: the offset of its first byte (in what the file unpacks to, but for web archives, where
 *     it is that of the packed record), for tables the number of the row where known, otherwise -1
 * @param flaw whether it could be read
 */
public record RawDocument(String text, String url, String source, long position, Flaw flaw) {
    /** Why a row cannot be used. */
    public enum Flaw {
        NONE,
        /** The row has no text, or a blank one. */
        EMPTY,
        /** The row is not of the form that the settings name. */
        UNREADABLE,
        /** The row is longer than any row may be. */
        TOO_LONG,
        /** The row's bytes are no UTF-8. */
        INVALID_UTF8,
        /** The rest of the file cannot be read. */
        DAMAGED_FILE
    }

    static RawDocument flawed(Flaw flaw, String what, String source, long position) {
        return new RawDocument(what, "", source, position, flaw);
    }

    /** A row's text, or the flaw that it has none. */
    static RawDocument of(String text, String url, String source, long position) {
        if (text == null || text.isBlank()) {
            return flawed(Flaw.EMPTY, "no text", source, position);
        }
        return new RawDocument(text, url == null ? "" : url, source, position, Flaw.NONE);
    }

    /** Where it is from, for a person. */
    public String place() {
        return position < 0 ? source : source + ":" + position;
    }
}
