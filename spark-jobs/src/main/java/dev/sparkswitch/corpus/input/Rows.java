package dev.sparkswitch.corpus.input;

import java.io.IOException;

/** The rows of a piece of a file, one after the other. */
interface Rows extends AutoCloseable {
    /** Goes on to the next row, without looking into it; false where there is none. */
    boolean advance() throws IOException;

    /** The row. */
    RawDocument row() throws IOException;

    /** How far it is in the file, as in {@link RawDocument#position}. */
    long position();

    @Override
    void close() throws IOException;
}
