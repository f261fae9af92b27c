package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Map;

/** A section that is given by the name of its file, alone or with keys that count more than the file's. */
final class FileOfSection {
    /** The key by which a section names its file. */
    static final String KEY = "file";

    private FileOfSection() {}

    /** Whether a node where a section of {@code type} belongs names a file. */
    static boolean isNamed(Class<?> type, JsonNode node) {
        return node.isTextual()
                || node.path(KEY).isTextual()
                        && Arrays.stream(type.getRecordComponents())
                                .noneMatch(component -> component.getName().equals(KEY));
    }

    /** The file's name. */
    static String name(JsonNode node) {
        return node.isTextual() ? node.textValue() : node.get(KEY).textValue();
    }

    /** What a file says, under what is said beside its name; changes {@code content}. */
    static JsonNode merged(JsonNode content, JsonNode given) {
        if (!(content instanceof ObjectNode section)) {
            return content;
        }
        for (Map.Entry<String, JsonNode> field : given.properties()) {
            if (!field.getKey().equals(KEY)) {
                JsonNode below = section.get(field.getKey());
                boolean both =
                        below != null && below.isObject() && field.getValue().isObject();
                section.set(field.getKey(), both ? merged(below, field.getValue()) : field.getValue());
            }
        }
        return section;
    }
}
