package dev.sparkswitch.eval.task;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.UserException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** Reads JSON and JSON lines, gzipped or not, naming file and line in every error. */
final class TaskFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Takes one line's object. */
    interface Rows {
        void accept(JsonNode row, Place place);
    }

    /** Where a row stands, and the errors that say so. */
    record Place(Path file, long line) {
        /** A required text field. */
        String text(JsonNode row, String key) {
            JsonNode value = row.path(key);
            if (!value.isTextual()) {
                throw wrong("has no text \"" + key + "\"");
            }
            return value.textValue();
        }

        /** A required whole number. */
        int number(JsonNode row, String key) {
            JsonNode value = row.path(key);
            if (!value.canConvertToInt() || !value.isIntegralNumber()) {
                throw wrong("has no whole number \"" + key + "\"");
            }
            return value.intValue();
        }

        /** The official id: {@code idx} as a number, text or object of numbers; the line's number where there is none. */
        String id(JsonNode row) {
            JsonNode idx = row.path("idx");
            return idx.isMissingNode() ? Long.toString(line - 1) : Predictions.id(idx);
        }

        UserException wrong(String what) {
            String where = line > 0 ? file + ", line " + line : file.toString();
            return new UserException(
                    where + ": the row " + what + "; give the file in its official layout, as downloaded");
        }
    }

    private TaskFile() {}

    /**
     * Reads JSON lines. Rows that are wrong do not stop the reading, so that all of them are counted.
     *
     * @throws UserException naming the first wrong row, and how many more there are
     */
    static void lines(Path file, Rows rows) {
        long line = 0;
        long wrong = 0;
        UserException first = null;
        try (BufferedReader reader = open(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                line++;
                if (text.isBlank()) {
                    continue;
                }
                JsonNode row = JSON.readTree(text);
                Place place = new Place(file, line);
                try {
                    if (!row.isObject()) {
                        throw place.wrong("is not a JSON object");
                    }
                    rows.accept(row, place);
                } catch (UserException e) {
                    first = first == null ? e : first;
                    wrong++;
                }
            }
        } catch (JsonProcessingException e) {
            throw new UserException(
                    file + ", line " + line + ": not a JSON object a line (" + e.getOriginalMessage()
                            + "); give the file in its official layout, as downloaded",
                    e);
        } catch (CharacterCodingException e) {
            throw new UserException(file + ": not UTF-8 after line " + line + "; convert the file to UTF-8", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        if (wrong > 1) {
            throw new UserException(first.getMessage() + " (" + wrong + " rows of the file are wrong)", first);
        }
        if (first != null) {
            throw first;
        }
    }

    /** The lines of a text, gzipped or not. */
    static List<String> texts(Path file) {
        List<String> lines = new ArrayList<>();
        try (BufferedReader reader = open(file)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                lines.add(text);
            }
            return lines;
        } catch (CharacterCodingException e) {
            throw new UserException(file + ": not UTF-8 after line " + lines.size() + "; convert the file to UTF-8", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    static JsonNode tree(Path file) {
        try (BufferedReader reader = open(file)) {
            return JSON.readTree(reader);
        } catch (JsonProcessingException e) {
            throw new UserException(
                    file + ": not JSON (" + e.getOriginalMessage()
                            + "); give the file in its official layout, as downloaded",
                    e);
        } catch (CharacterCodingException e) {
            throw new UserException(file + ": not UTF-8; convert the file to UTF-8", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static UserException unreadable(Path file, IOException e) {
        return new UserException(
                file + ": cannot be read (" + e.getMessage() + "); check your rights, or download the file again", e);
    }

    private static BufferedReader open(Path file) throws IOException {
        InputStream stream = Files.newInputStream(file);
        try {
            InputStream plain = file.toString().endsWith(".gz") ? new GZIPInputStream(stream) : stream;
            return new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8.newDecoder()));
        } catch (IOException e) {
            stream.close();
            throw e;
        }
    }
}
