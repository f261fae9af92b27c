package dev.sparkswitch.corpus.input;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.RawDocument.Flaw;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;

/**
 * All rows of a unit, one after the other. Where a file breaks off, the rows before stay, a row of {@link Flaw#DAMAGED_FILE}
 * says so, and the next file follows.
 */
public final class UnitReader implements Iterator<RawDocument>, AutoCloseable {
    private final Configuration hadoop;
    private final InputConfig config;
    private final Iterator<Piece> pieces;
    private Piece piece;
    private FileStream file;
    private Rows rows;
    private long number;
    private RawDocument next;

    public UnitReader(Configuration hadoop, Unit unit, InputConfig config) {
        this.hadoop = hadoop;
        this.config = config;
        this.pieces = unit.pieces().iterator();
    }

    /**
     * @throws UserException if a file has vanished or may not be read
     */
    @Override
    public boolean hasNext() {
        while (next == null) {
            if (rows == null && !pieces.hasNext()) {
                return false;
            }
            try {
                if (rows == null) {
                    piece = pieces.next();
                    number = 0;
                    file = null;
                    file = openFile();
                    rows = openRows();
                }
                if (!rows.advance()) {
                    closeRows();
                } else if (number++ % piece.turns() == piece.turn()) {
                    next = rows.row();
                }
            } catch (FileNotFoundException e) {
                throw new UserException("The input " + piece.path() + " has vanished; restore it and run again.", e);
            } catch (AccessControlException e) {
                throw new UserException(
                        "The input " + piece.path() + " cannot be read (" + e.getMessage() + "); check your rights.",
                        e);
            } catch (SparkSwitchException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                if (file == null || file.hasFailed()) {
                    throw new ResourceException(
                            "The input " + piece.path() + " cannot be read (" + e.getMessage()
                                    + "); check the file system and run again.",
                            e);
                }
                // Codecs and parsers throw what they like on damaged bytes.
                next = damaged(e);
            }
        }
        return true;
    }

    private FileStream openFile() throws IOException {
        Path path = new Path(piece.path());
        FSDataInputStream in = path.getFileSystem(hadoop).open(path);
        in.seek(piece.start());
        return new FileStream(in);
    }

    private Rows openRows() throws IOException {
        return switch (config.format()) {
            case TEXT, DELIMITED, JSON -> new LineRows(hadoop, file, piece, config);
            case CSV -> new CsvRows(hadoop, file, piece, config);
            case WARC -> new WarcRows(file, piece, config);
            case PARQUET, ORC -> throw new IllegalStateException(config.format() + " is read by Spark");
        };
    }

    /** What is told of a damaged file: by the first of those that share it. */
    private RawDocument damaged(Exception e) {
        long position = rows == null ? 0 : rows.position();
        try {
            closeRows();
        } catch (IllegalStateException closing) {
            e.addSuppressed(closing);
        }
        String what = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return piece.turn() > 0
                ? null
                : RawDocument.flawed(Flaw.DAMAGED_FILE, "the file is damaged (" + what + ")", piece.source(), position);
    }

    private void closeRows() {
        // Where it could not be read as what it should be, there are no rows to close, but the file.
        AutoCloseable closing = rows == null ? file : rows;
        rows = null;
        if (closing != null) {
            try {
                closing.close();
            } catch (Exception e) {
                throw new IllegalStateException("closing " + piece.path(), e);
            }
        }
    }

    @Override
    public RawDocument next() {
        if (!hasNext()) {
            throw new NoSuchElementException("no row is left");
        }
        RawDocument row = next;
        next = null;
        return row;
    }

    @Override
    public void close() {
        closeRows();
    }
}
