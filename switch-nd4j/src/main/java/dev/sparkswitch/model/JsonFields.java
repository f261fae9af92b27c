package dev.sparkswitch.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Typed access to the fields of a JSON object. What is missing or malformed is noted, named with its path, and a
 * stand-in is returned, so that one pass finds every fault.
 */
final class JsonFields {
    private final JsonNode tree;
    private final String path;
    private final Contradictions found;

    JsonFields(JsonNode tree, String path, Contradictions found) {
        this.tree = tree;
        this.path = path;
        this.found = found;
        found.check(
                tree.isObject() || tree.isMissingNode(),
                (path.isEmpty() ? "the content" : path.substring(0, path.length() - 1)) + " is not a JSON object");
    }

    /** A required integer of at least {@code least}. */
    int integer(String name, int least) {
        found.check(present(name), path + name + " is missing");
        return present(name) ? readInteger(name, least) : least;
    }

    /** An integer of at least {@code least}, or {@code byDefault} where it is absent. */
    int integer(String name, int least, int byDefault) {
        return present(name) ? readInteger(name, least) : byDefault;
    }

    /** A list of integers of at least {@code least}, empty where it is absent. */
    List<Integer> integers(String name, int least) {
        List<Integer> integers = new ArrayList<>();
        if (present(name)) {
            JsonNode values = tree.get(name);
            boolean valid = values.isArray();
            for (JsonNode value : values) {
                valid &= isInteger(value, least);
                integers.add(value.asInt());
            }
            found.check(valid, path + name + " is " + values + " but must be a list of integers of at least " + least);
        }
        return integers;
    }

    /** A finite number, or {@code byDefault} where it is absent. */
    double number(String name, double byDefault) {
        if (!present(name)) {
            return byDefault;
        }
        JsonNode value = tree.get(name);
        boolean finite = value.isNumber() && Double.isFinite(value.doubleValue());
        found.check(finite, path + name + " is " + value + " but must be a number");
        return finite ? value.doubleValue() : byDefault;
    }

    /** True or false, or {@code byDefault} where it is absent. */
    boolean flag(String name, boolean byDefault) {
        if (!present(name)) {
            return byDefault;
        }
        JsonNode value = tree.get(name);
        found.check(value.isBoolean(), path + name + " is " + value + " but must be true or false");
        return value.isBoolean() ? value.booleanValue() : byDefault;
    }

    /** A string, or {@code byDefault} where it is absent; with no default it is required. */
    String text(String name, String byDefault) {
        if (!present(name)) {
            found.check(byDefault != null, path + name + " is missing");
            return byDefault;
        }
        JsonNode value = tree.get(name);
        found.check(value.isTextual(), path + name + " is " + value + " but must be a string");
        return value.isTextual() ? value.textValue() : byDefault;
    }

    /** The object {@code name}, empty where it is absent; keys beside {@code known} are refused. */
    JsonFields object(String name, Set<String> known) {
        JsonNode value = present(name) ? tree.get(name) : MissingNode.getInstance();
        for (Iterator<String> keys = value.fieldNames(); keys.hasNext(); ) {
            String key = keys.next();
            found.check(
                    known.contains(key),
                    path + name + "." + key + " is not a known field (known: " + String.join(", ", new TreeSet<>(known))
                            + ")");
        }
        return new JsonFields(value, path + name + ".", found);
    }

    /** The field as it stands; an empty object where it is absent. */
    ObjectNode section(String name) {
        JsonNode value = tree.path(name);
        found.check(value.isMissingNode() || value.isNull() || value.isObject(), path + name + " is not a JSON object");
        return value.isObject() ? value.deepCopy() : JsonNodeFactory.instance.objectNode();
    }

    private boolean present(String name) {
        return tree.hasNonNull(name);
    }

    private static boolean isInteger(JsonNode value, int least) {
        return value.isIntegralNumber() && value.canConvertToInt() && value.intValue() >= least;
    }

    private int readInteger(String name, int least) {
        JsonNode value = tree.get(name);
        boolean valid = isInteger(value, least);
        found.check(valid, path + name + " is " + value + " but must be an integer of at least " + least);
        return valid ? value.intValue() : least;
    }
}
