package dev.sparkswitch.corpus.overlap;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.sql.Row;

/** Rows made one by one. */
abstract class RowIterator implements Iterator<Row> {
    private Row next;
    private boolean ended;

    /** The next row, or null where there is none. */
    abstract Row advance();

    @Override
    public final boolean hasNext() {
        if (next == null && !ended) {
            next = advance();
            ended = next == null;
        }
        return next != null;
    }

    @Override
    public final Row next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no row is left");
        }
        Row row = next;
        next = null;
        return row;
    }
}
