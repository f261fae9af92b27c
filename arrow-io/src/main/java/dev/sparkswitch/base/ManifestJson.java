package dev.sparkswitch.base;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** A manifest's JSON: as written for people, and in the canonical form whose hash is its id. */
final class ManifestJson {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
            .build();
    private static final DefaultPrettyPrinter.Indenter LINES = new DefaultIndenter("  ", "\n");

    private ManifestJson() {}

    static byte[] write(Manifest manifest) {
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
        printer.indentObjectsWith(LINES);
        printer.indentArraysWith(LINES);
        try {
            return MAPPER.writer(printer).writeValueAsBytes(manifest);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Reads a manifest; {@code where} names it in errors.
     *
     * @throws UserException if it is damaged or of a later form
     */
    static Manifest read(byte[] json, String where) {
        try {
            JsonNode tree = MAPPER.readTree(json);
            int format = tree.path("format").asInt(0);
            if (format > Manifest.FORMAT) {
                throw new UserException(where + " has format " + format + ", and this version (" + Build.version()
                        + ") reads up to " + Manifest.FORMAT + ": use the version that wrote it or a later one.");
            }
            if (format < 1) {
                throw new UserException(where + " is no manifest of SparkSwitch: it has no format number; remove it"
                        + " and make the folder again.");
            }
            return MAPPER.treeToValue(tree, Manifest.class);
        } catch (IOException e) {
            String problem = e instanceof JsonProcessingException json2 ? json2.getOriginalMessage() : e.getMessage();
            throw new UserException(where + " is damaged (" + problem + "): remove it and make the folder again.", e);
        }
    }

    /**
     * A copy of {@code tree} as it would be read back: number types depend on the text alone, so that a manifest equals
     * itself after a round trip.
     */
    static JsonNode normal(JsonNode tree) {
        try {
            return MAPPER.readTree(MAPPER.writeValueAsBytes(tree));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String id(Manifest manifest) {
        ObjectNode tree = MAPPER.valueToTree(manifest);
        tree.remove("created");
        try {
            byte[] canonical = MAPPER.writeValueAsBytes(sorted(normal(tree)));
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(canonical);
            return "sha256:" + HexFormat.of().formatHex(digest);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new InternalException("This Java has no SHA-256, which every Java must have.", e);
        }
    }

    private static JsonNode sorted(JsonNode tree) {
        if (tree.isObject()) {
            TreeMap<String, JsonNode> fields = new TreeMap<>();
            for (Map.Entry<String, JsonNode> field : tree.properties()) {
                fields.put(field.getKey(), sorted(field.getValue()));
            }
            return new ObjectNode(JsonNodeFactory.instance).setAll(fields);
        }
        if (tree.isArray()) {
            ArrayNode items = JsonNodeFactory.instance.arrayNode(tree.size());
            tree.forEach(item -> items.add(sorted(item)));
            return items;
        }
        return tree;
    }
}
