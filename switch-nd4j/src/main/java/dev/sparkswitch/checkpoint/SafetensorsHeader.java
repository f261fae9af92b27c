package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The header of a safetensors file: 8 bytes of length, little-endian, then JSON that names each tensor's type, shape
 * and place. Places must cover the data without gap or overlap, as the format's description demands.
 *
 * @param tensors every tensor by name
 * @param metadata free text about the file
 */
record SafetensorsHeader(SortedMap<String, Located> tensors, SortedMap<String, String> metadata) {
    /** The longest header that is read, as in the reference implementation. */
    static final long MAXIMUM_BYTES = 100_000_000;

    static final String METADATA = "__metadata__";

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            // Names come from outside and are seen once: a table of them only invites collisions.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(16)
                    .maxNumberLength(32)
                    .build())
            .build();

    SafetensorsHeader {
        tensors = Collections.unmodifiableSortedMap(tensors);
        metadata = Collections.unmodifiableSortedMap(metadata);
    }

    /**
     * A tensor and its place.
     *
     * @param start its first byte, counted from the end of the header
     */
    record Located(TensorInfo info, long start) {
        long end() {
            return start + info.bytes();
        }
    }

    /**
     * Reads a header.
     *
     * @param json the header without its length
     * @param dataBytes the bytes that follow it in the file
     * @param where the file, for messages
     * @throws UserException on anything that is not as the format has it
     */
    static SafetensorsHeader parse(byte[] json, long dataBytes, String where) {
        try (JsonParser parser = JSON.createParser(json)) {
            SortedMap<String, Located> tensors = new TreeMap<>();
            SortedMap<String, String> metadata = new TreeMap<>();
            expect(parser.nextToken(), JsonToken.START_OBJECT, "the header is not an object", where);
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                expect(parser.nextToken(), JsonToken.START_OBJECT, "'" + name + "' is not an object", where);
                if (name.equals(METADATA)) {
                    readMetadata(parser, metadata, where);
                } else {
                    tensors.put(name, readTensor(parser, name, where));
                }
            }
            if (parser.nextToken() != null) {
                throw damaged(where, "something follows the header's object");
            }
            checkPlaces(tensors, dataBytes, where);
            return new SafetensorsHeader(tensors, metadata);
        } catch (JsonProcessingException e) {
            throw new UserException(message(where, "its header is not valid JSON, " + e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new UserException(message(where, "its header is not valid text, " + e.getMessage()), e);
        }
    }

    private static void readMetadata(JsonParser parser, SortedMap<String, String> metadata, String where)
            throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String key = parser.currentName();
            expect(parser.nextToken(), JsonToken.VALUE_STRING, "metadata '" + key + "' is not a string", where);
            metadata.put(key, parser.getText());
        }
    }

    private static Located readTensor(JsonParser parser, String name, String where) throws IOException {
        SafetensorsType type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (field) {
                case "dtype" -> {
                    expect(value, JsonToken.VALUE_STRING, "dtype of " + name + " is not a string", where);
                    String text = parser.getText();
                    type = SafetensorsType.find(text)
                            .orElseThrow(() -> damaged(where, "tensor " + name + " has the unknown dtype " + text));
                }
                case "shape" -> shape = readNumbers(parser, "shape of " + name, where);
                case "data_offsets" -> offsets = readNumbers(parser, "data_offsets of " + name, where);
                default -> parser.skipChildren();
            }
        }
        if (type == null || shape == null || offsets == null || offsets.size() != 2) {
            throw damaged(where, "tensor " + name + " lacks a dtype, a shape or two data_offsets");
        }
        return locate(name, type, shape, offsets.get(0), offsets.get(1), where);
    }

    private static Located locate(
            String name, SafetensorsType type, List<Long> shape, long start, long end, String where) {
        List<Integer> lengths = new ArrayList<>(shape.size());
        for (long length : shape) {
            if (length > Integer.MAX_VALUE) {
                throw damaged(where, "tensor " + name + " has an axis of " + length);
            }
            lengths.add((int) length);
        }
        TensorInfo info;
        try {
            info = new TensorInfo(name, type, lengths);
        } catch (IllegalArgumentException e) {
            throw new UserException(message(where, e.getMessage()), e);
        }
        // Subtracting cannot overflow: neither is negative.
        if (end - start != info.bytes()) {
            throw damaged(
                    where,
                    "tensor " + name + " has data_offsets " + start + " to " + end + " but " + type + shape + " takes "
                            + info.bytes() + " bytes");
        }
        return new Located(info, start);
    }

    private static List<Long> readNumbers(JsonParser parser, String what, String where) throws IOException {
        expect(parser.currentToken(), JsonToken.START_ARRAY, what + " is not a list", where);
        List<Long> numbers = new ArrayList<>();
        for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
            expect(token, JsonToken.VALUE_NUMBER_INT, what + " holds something that is no integer", where);
            if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER || parser.getLongValue() < 0) {
                throw damaged(where, what + " holds " + parser.getText());
            }
            numbers.add(parser.getLongValue());
        }
        return numbers;
    }

    private static void checkPlaces(SortedMap<String, Located> tensors, long dataBytes, String where) {
        List<Located> inOrder = new ArrayList<>(tensors.values());
        inOrder.sort(Comparator.comparingLong(Located::start).thenComparingLong(Located::end));
        long next = 0;
        for (Located tensor : inOrder) {
            if (tensor.start() != next) {
                throw damaged(
                        where,
                        "tensor " + tensor.info().name() + " begins at byte " + tensor.start() + " of the data where "
                                + next + " was next");
            }
            next = tensor.end();
            if (next > dataBytes) {
                throw damaged(
                        where,
                        "tensor " + tensor.info().name() + " ends at byte " + next + " of the data but only "
                                + dataBytes + " follow the header: the file was cut");
            }
        }
        if (next != dataBytes) {
            throw damaged(
                    where,
                    "its tensors take " + next + " bytes but " + dataBytes + " follow the header: something was added");
        }
    }

    private static void expect(JsonToken token, JsonToken expected, String otherwise, String where) {
        if (token != expected) {
            throw damaged(where, otherwise);
        }
    }

    static UserException damaged(String where, String problem) {
        return new UserException(message(where, problem));
    }

    private static String message(String where, String problem) {
        return where + " is not a sound safetensors file: " + problem + "; fetch or write it again.";
    }
}
