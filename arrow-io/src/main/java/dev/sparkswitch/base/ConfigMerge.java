package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Map;
import java.util.Optional;

/** Puts settings over others, as their types want it. */
final class ConfigMerge {
    private ConfigMerge() {}

    /**
     * The settings below with those above over them, both unchanged. Sections become one, also where the one below is a file's
     * name; of a choice, a section that does not say which record it means keeps the one below. All else is replaced.
     */
    static JsonNode merged(Type type, JsonNode below, JsonNode above) {
        Type inner = ConfigTypes.is(type, Optional.class) ? ConfigTypes.content(type) : type;
        if (above.isObject() && ConfigTypes.isSection(inner)) {
            ObjectNode result = below.isTextual()
                    ? JsonNodeFactory.instance.objectNode().set(FileOfSection.KEY, below)
                    : below.isObject() ? below.deepCopy() : JsonNodeFactory.instance.objectNode();
            for (Map.Entry<String, JsonNode> field : above.properties()) {
                JsonNode known = result.get(field.getKey());
                Optional<Type> of = component(ConfigTypes.raw(inner), field.getKey());
                result.set(
                        field.getKey(),
                        known == null || of.isEmpty()
                                ? field.getValue().deepCopy()
                                : merged(of.get(), known, field.getValue()));
            }
            return result;
        }
        if (above.isObject() && below.isObject() && ConfigTypes.isChoice(inner)) {
            ObjectNode result = above.deepCopy();
            if (!above.has(ConfigTypes.tag(ConfigTypes.raw(inner)))) {
                below.properties().stream()
                        .filter(field -> !result.has(field.getKey()))
                        .forEach(field ->
                                result.set(field.getKey(), field.getValue().deepCopy()));
            }
            return result;
        }
        return above.deepCopy();
    }

    private static Optional<Type> component(Class<?> section, String key) {
        for (RecordComponent component : section.getRecordComponents()) {
            if (Configs.key(component).equals(key)) {
                return Optional.of(component.getGenericType());
            }
        }
        return Optional.empty();
    }
}
