package dev.sparkswitch.corpus.input;

import com.univocity.parsers.csv.CsvParser;
import com.univocity.parsers.csv.CsvParserSettings;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.RawDocument.Flaw;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/**
 * Rows of a CSV file. A row ends with the first line that leaves no quote open, however long it takes; no more of it is held
 * than a row may have.
 */
final class CsvRows implements Rows {
    private static final int SHOWN = 60;

    private final Lines lines;
    private final InputConfig config;
    private final String source;
    private final CsvParser parser;
    private final int most;
    private final int columns;
    private final int textAt;
    private final int urlAt;
    private final StringBuilder record = new StringBuilder();
    private long position;
    private Flaw flaw = Flaw.NONE;

    CsvRows(Configuration hadoop, FileStream file, Piece piece, InputConfig config) throws IOException {
        this.config = config;
        this.source = piece.source();
        this.most = (int) config.maxRow().bytes();
        this.lines = new Lines(hadoop, file, piece, most);
        CsvParserSettings settings = new CsvParserSettings();
        settings.getFormat().setDelimiter(config.separatorOrDefault().charAt(0));
        settings.getFormat().setLineSeparator("\n");
        settings.setMaxCharsPerColumn(-1);
        settings.setMaxColumns(10_000);
        settings.setIgnoreLeadingWhitespaces(false);
        settings.setIgnoreTrailingWhitespaces(false);
        settings.setNullValue("");
        this.parser = new CsvParser(settings);
        List<String> names = config.columns().isEmpty() ? header(piece) : config.columns();
        this.columns = names.size();
        this.textAt = names.indexOf(config.textColumn());
        this.urlAt = config.urlColumn().isEmpty() ? -1 : names.indexOf(config.urlColumn());
        if (columns > 0 && (textAt < 0 || urlAt < 0 && !config.urlColumn().isEmpty())) {
            close();
            String missing = textAt < 0 ? config.textColumn() : config.urlColumn();
            throw new UserException("The input " + piece.path() + " has no column '" + missing + "', only "
                    + String.join(", ", names)
                    + "; correct input.text-column or input.url-column, or name the columns in"
                    + " input.columns.");
        }
    }

    private List<String> header(Piece piece) throws IOException {
        if (!advance() || flaw != Flaw.NONE) {
            return List.of();
        }
        String[] cells = parser.parseLine(record.toString());
        return cells == null ? List.of() : Arrays.asList(cells);
    }

    @Override
    public boolean advance() throws IOException {
        do {
            if (!lines.next()) {
                return false;
            }
        } while (lines.isBlank());
        position = lines.position();
        record.setLength(0);
        flaw = Flaw.NONE;
        boolean open = append();
        // Beyond the length that a row may have, lines are looked at for the quote that ends it and not kept.
        while (open && !lines.isTooLong()) {
            if (!lines.next()) {
                flaw = Flaw.UNREADABLE;
                break;
            }
            if (record.length() > most) {
                flaw = Flaw.TOO_LONG;
                record.setLength(SHOWN);
            }
            if (flaw != Flaw.TOO_LONG) {
                record.append('\n');
            }
            open = !append();
        }
        return true;
    }

    /** Adds the line to the record; whether it has an odd number of quotes. */
    private boolean append() {
        String text = lines.text();
        if (lines.isTooLong()) {
            flaw = Flaw.TOO_LONG;
            record.append(text, 0, Math.min(SHOWN, text.length()));
        } else if (flaw != Flaw.TOO_LONG) {
            flaw = lines.isInvalid(text) ? Flaw.INVALID_UTF8 : flaw;
            record.append(text);
        }
        boolean odd = false;
        for (int quote = text.indexOf('"'); quote >= 0; quote = text.indexOf('"', quote + 1)) {
            odd = !odd;
        }
        return odd;
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public RawDocument row() {
        if (flaw != Flaw.NONE) {
            return RawDocument.flawed(flaw, what(flaw) + ": " + beginning(), source, position);
        }
        String[] cells = parser.parseLine(record.toString());
        if (cells == null || cells.length != columns) {
            return RawDocument.flawed(
                    Flaw.UNREADABLE,
                    (cells == null ? 0 : cells.length) + " columns instead of " + columns + ": " + beginning(),
                    source,
                    position);
        }
        return RawDocument.of(cells[textAt], urlAt < 0 ? "" : cells[urlAt], source, position);
    }

    private String what(Flaw flaw) {
        return switch (flaw) {
            case TOO_LONG -> "more than " + config.maxRow() + ", beginning with";
            case INVALID_UTF8 -> "bytes that are no UTF-8";
            case NONE, EMPTY, UNREADABLE, DAMAGED_FILE -> "a quote that is not closed";
        };
    }

    private String beginning() {
        byte[] start = record.substring(0, Math.min(SHOWN, record.length())).getBytes(StandardCharsets.UTF_8);
        return new String(start, StandardCharsets.UTF_8).replace('\n', ' ') + (record.length() > SHOWN ? " ..." : "");
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
