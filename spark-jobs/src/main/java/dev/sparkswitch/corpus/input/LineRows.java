package dev.sparkswitch.corpus.input;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.sparkswitch.corpus.input.RawDocument.Flaw;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;

/** Rows of one line each: text, delimited columns or a JSON object. Blank lines are none. */
final class LineRows implements Rows {
    private static final int SHOWN = 60;
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .build();

    private final Lines lines;
    private final InputConfig config;
    private final String source;
    private final String separator;
    private final int textAt;
    private final int urlAt;

    LineRows(Configuration hadoop, FileStream file, Piece piece, InputConfig config) throws IOException {
        this.lines = new Lines(hadoop, file, piece, (int) config.maxRow().bytes());
        this.config = config;
        this.source = piece.source();
        this.separator = config.separatorOrDefault();
        this.textAt = config.columns().indexOf(config.textColumn());
        this.urlAt = config.columns().indexOf(config.urlColumn());
    }

    @Override
    public boolean advance() throws IOException {
        while (lines.next()) {
            if (!lines.isBlank()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public long position() {
        return lines.position();
    }

    @Override
    public RawDocument row() {
        if (lines.isTooLong()) {
            return flawed(Flaw.TOO_LONG, "more than " + config.maxRow() + ", beginning with: " + beginning());
        }
        return switch (config.format()) {
            case TEXT -> text();
            case DELIMITED -> delimited();
            case JSON -> json();
            case CSV, PARQUET, ORC, WARC -> throw new IllegalStateException(config.format() + " is not made of lines");
        };
    }

    private RawDocument text() {
        String text = lines.text();
        return lines.isInvalid(text) ? invalid() : RawDocument.of(text, "", source, position());
    }

    private RawDocument delimited() {
        String line = lines.text();
        if (lines.isInvalid(line)) {
            return invalid();
        }
        String text = null;
        String url = "";
        int column = 0;
        int from = 0;
        while (true) {
            int to = line.indexOf(separator, from);
            if (column == textAt) {
                text = line.substring(from, to < 0 ? line.length() : to);
            }
            if (column == urlAt) {
                url = line.substring(from, to < 0 ? line.length() : to);
            }
            column++;
            if (to < 0) {
                break;
            }
            from = to + separator.length();
        }
        if (column != config.columns().size()) {
            return flawed(
                    Flaw.UNREADABLE,
                    column + " columns instead of " + config.columns().size() + ": " + beginning());
        }
        return RawDocument.of(text, url, source, position());
    }

    private RawDocument json() {
        String text = null;
        String url = "";
        boolean found = false;
        int offset = lines.offset();
        try (JsonParser parser = JSON.createParser(lines.bytes(), offset, lines.length() - offset)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return flawed(Flaw.UNREADABLE, "no JSON object: " + beginning());
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (name.equals(config.textColumn())) {
                    found = true;
                    if (value.isStructStart()) {
                        return flawed(Flaw.UNREADABLE, "'" + name + "' is no text: " + beginning());
                    }
                    text = value == JsonToken.VALUE_NULL ? null : parser.getText();
                } else if (name.equals(config.urlColumn())) {
                    url = value == JsonToken.VALUE_STRING ? parser.getText() : "";
                    parser.skipChildren();
                } else {
                    parser.skipChildren();
                }
            }
            // Fields may stand behind the end of a line that was cut in two.
            if (parser.currentToken() != JsonToken.END_OBJECT || parser.nextToken() != null) {
                return flawed(Flaw.UNREADABLE, "no JSON object: " + beginning());
            }
        } catch (JsonProcessingException e) {
            return Lines.isUtf8(lines.bytes(), lines.length())
                    ? flawed(Flaw.UNREADABLE, "no JSON (" + e.getOriginalMessage() + "): " + beginning())
                    : invalid();
        } catch (IOException e) {
            return invalid();
        }
        if (!found) {
            return flawed(Flaw.UNREADABLE, "no key '" + config.textColumn() + "': " + beginning());
        }
        return RawDocument.of(text, url, source, position());
    }

    private RawDocument invalid() {
        return flawed(Flaw.INVALID_UTF8, "bytes that are no UTF-8: " + beginning());
    }

    private RawDocument flawed(Flaw flaw, String what) {
        return RawDocument.flawed(flaw, what, source, position());
    }

    private String beginning() {
        int offset = lines.offset();
        int length = Math.min(SHOWN, lines.length() - offset);
        return new String(lines.bytes(), offset, length, StandardCharsets.UTF_8)
                + (lines.length() - offset > SHOWN ? " ..." : "");
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
