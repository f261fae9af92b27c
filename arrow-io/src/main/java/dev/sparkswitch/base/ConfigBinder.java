package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One binding of a tree to a record. A value that cannot be bound is reported and becomes null, so that all are found. */
final class ConfigBinder {
    private final Class<? extends Record> root;
    private final Set<String> overridden;
    private final List<String> errors;
    private final SectionFiles files;

    /**
     * A binding to {@code root}.
     *
     * @param overridden the keys that were overridden, which errors say
     * @param errors where errors go
     * @param files where sections' own files are found
     */
    ConfigBinder(Class<? extends Record> root, Set<String> overridden, List<String> errors, SectionFiles files) {
        this.root = root;
        this.overridden = overridden;
        this.errors = errors;
        this.files = files;
    }

    @SuppressWarnings("unchecked")
    <R extends Record> R bind(JsonNode tree) {
        return (R) section(root, tree, "");
    }

    private Object value(Type type, JsonNode node, String key) {
        if (ConfigTypes.is(type, Optional.class)) {
            return node.isNull() ? Optional.empty() : optional(value(ConfigTypes.content(type), node, key));
        }
        if (node.isNull() && type != JsonNode.class) {
            return fail(key, "it has no value; give a " + ConfigTypes.name(type));
        }
        if (ConfigTypes.is(type, List.class)) {
            return list(type, node, key);
        }
        if (ConfigTypes.is(type, Map.class)) {
            return map(type, node, key);
        }
        Class<?> c = ConfigTypes.raw(type);
        if (ConfigTypes.isChoice(c)) {
            return choice(c, node, key);
        }
        if (ConfigTypes.isSection(c)) {
            return section(c, node, key);
        }
        try {
            Object value = scalar(c, node);
            return value == null ? mismatch(c, node, key) : value;
        } catch (IllegalArgumentException | ArithmeticException e) {
            return mismatch(c, node, key);
        }
    }

    /** A value of {@code type}; null, IllegalArgumentException or ArithmeticException if {@code node} holds none. */
    private static Object scalar(Class<?> type, JsonNode node) {
        if (type == JsonNode.class) {
            return node.deepCopy();
        }
        if (type == String.class) {
            return node.textValue();
        }
        if (type == boolean.class || type == Boolean.class) {
            return node.isBoolean() ? node.booleanValue() : null;
        }
        if (type == int.class || type == Integer.class) {
            return decimal(node).intValueExact();
        }
        if (type == long.class || type == Long.class) {
            return decimal(node).longValueExact();
        }
        if (type == double.class || type == Double.class) {
            double value = decimal(node).doubleValue();
            return Double.isFinite(value) ? value : null;
        }
        if (type == float.class || type == Float.class) {
            float value = decimal(node).floatValue();
            return Float.isFinite(value) ? value : null;
        }
        if (type == Duration.class) {
            return node.isTextual() ? DurationText.parse(node.textValue()) : null;
        }
        if (type == DataSize.class) {
            return node.isTextual() ? DataSize.parse(node.textValue()) : null;
        }
        // YAML reads choices that are called true and false as booleans.
        String name = node.isBoolean() ? node.asText() : node.textValue();
        int choice = ConfigTypes.choices(type).indexOf(name);
        return choice < 0 ? null : type.getEnumConstants()[choice];
    }

    private static BigDecimal decimal(JsonNode node) {
        if (!node.isNumber()) {
            throw new NumberFormatException();
        }
        return node.decimalValue();
    }

    private Object section(Class<?> type, JsonNode given, String key) {
        JsonNode node = given;
        if (!key.isEmpty() && FileOfSection.isNamed(type, given)) {
            String name = FileOfSection.name(given);
            Optional<JsonNode> content = files.find(name);
            if (content.isEmpty()) {
                return fail(key, "there is no file '" + name + "'; correct its name, or give a section");
            }
            node = FileOfSection.merged(content.get(), given);
        }
        if (!node.isObject()) {
            return mismatch(type, node, key);
        }
        return section(type, node, key, new ArrayList<>());
    }

    /** The record that the section, or a text in its place, names. */
    private Object choice(Class<?> type, JsonNode node, String key) {
        List<Class<?>> alternatives = ConfigTypes.alternatives(type);
        String tag = ConfigTypes.tag(type);
        JsonNode name = node.isObject() ? node.path(tag) : node;
        JsonNode keys = node.isObject() ? node : JsonNodeFactory.instance.objectNode();
        for (Class<?> alternative : alternatives) {
            boolean meant = name.isMissingNode()
                    || (name.isTextual() && name.textValue().equals(ConfigTypes.alternative(alternative)));
            if (meant) {
                List<String> known = new ArrayList<>(List.of(ConfigTypes.join(key, tag)));
                refuseOthers(type, alternative, keys, key, known);
                return section(alternative, keys, key, known);
            }
        }
        return mismatch(type, name, node.isObject() ? ConfigTypes.join(key, tag) : key);
    }

    /** Reports the keys that only another record of the choice has; they need no other report. */
    private void refuseOthers(Class<?> choice, Class<?> meant, JsonNode keys, String key, List<String> known) {
        for (Class<?> other : ConfigTypes.alternatives(choice)) {
            for (String name : ConfigTypes.keys(other)) {
                if (keys.has(name) && !ConfigTypes.keys(meant).contains(name)) {
                    String full = ConfigTypes.join(key, name);
                    if (!known.contains(full)) {
                        fail(
                                full,
                                "it belongs to the " + ConfigTypes.join(key, ConfigTypes.tag(choice)) + " "
                                        + ConfigTypes.alternative(other) + ", not "
                                        + ConfigTypes.alternative(meant));
                        known.add(full);
                    }
                }
            }
        }
    }

    /** @param known the keys that are no components */
    private Object section(Class<?> type, JsonNode node, String key, List<String> known) {
        int before = errors.size();
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String name = Configs.key(components[i]);
            known.add(ConfigTypes.join(key, name));
            values[i] = component(components[i], node.get(name), ConfigTypes.join(key, name));
        }
        int ofComponents = errors.size();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            String name = ConfigTypes.join(key, field.getKey());
            if (!known.contains(name)) {
                fail(name, "unknown key; the nearest known one is " + nearest(name, known));
            }
        }
        if (errors.size() == before) {
            return construct(type, components, values, key);
        }
        // A misspelt key has left its default behind, about which a constructor would complain in vain.
        if (errors.size() == ofComponents && standIn(components, values)) {
            // For what its constructor refuses besides.
            construct(type, components, values, key);
        }
        return null;
    }

    /**
     * Puts a stand-in where a section could not be made: none where it is optional, else its defaults. False where anything
     * is missing still.
     */
    private static boolean standIn(RecordComponent[] components, Object[] values) {
        for (int i = 0; i < values.length; i++) {
            Type type = components[i].getGenericType();
            if (values[i] == null && ConfigTypes.is(type, Optional.class)) {
                values[i] = ConfigTypes.isSection(ConfigTypes.content(type)) ? Optional.empty() : null;
            } else if (values[i] == null && ConfigTypes.isSection(type)) {
                values[i] = new ConfigBinder(
                                ConfigTypes.raw(type).asSubclass(Record.class),
                                Set.of(),
                                new ArrayList<>(),
                                SectionFiles.NONE)
                        .bind(JsonNodeFactory.instance.objectNode());
            }
            if (values[i] == null) {
                return false;
            }
        }
        return true;
    }

    private Object component(RecordComponent component, JsonNode node, String key) {
        Type type = component.getGenericType();
        if (node != null) {
            return value(type, node, key);
        }
        Optional<String> byDefault = ConfigTypes.defaultOf(component);
        if (byDefault.isPresent()) {
            String text = byDefault.get();
            return value(type, type == String.class ? TextNode.valueOf(text) : Configs.parseDefault(text, key), key);
        }
        if (ConfigTypes.is(type, Optional.class)) {
            return Optional.empty();
        }
        if (ConfigTypes.isSection(type) || ConfigTypes.isChoice(type)) {
            return value(type, JsonNodeFactory.instance.objectNode(), key);
        }
        Setting setting = component.getAnnotation(Setting.class);
        String help = setting == null || setting.help().isEmpty() ? "" : " (" + setting.help() + ")";
        return fail(key, "it is missing and has no default; give a " + ConfigTypes.name(type) + help);
    }

    private Object list(Type type, JsonNode node, String key) {
        if (!node.isArray()) {
            return mismatch(type, node, key);
        }
        List<Object> items = new ArrayList<>();
        for (int i = 0; i < node.size(); i++) {
            items.add(value(ConfigTypes.content(type), node.get(i), key + "[" + i + "]"));
        }
        // An item that failed was named: what holds it is not made.
        return items.contains(null) ? null : Collections.unmodifiableList(items);
    }

    private Object map(Type type, JsonNode node, String key) {
        if (!node.isObject()) {
            return mismatch(type, node, key);
        }
        Map<String, Object> items = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            String name = ConfigTypes.join(key, field.getKey());
            items.put(field.getKey(), value(ConfigTypes.content(type), field.getValue(), name));
        }
        return items.containsValue(null) ? null : Collections.unmodifiableMap(items);
    }

    private static Object optional(Object value) {
        return value == null ? null : Optional.of(value);
    }

    private Object construct(Class<?> type, RecordComponent[] components, Object[] values, String key) {
        Class<?>[] types = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = components[i].getType();
        }
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException || e.getCause() instanceof UserException) {
                return fail(key, e.getCause().getMessage());
            }
            throw new InternalException("Making " + type.getName() + " of its configuration failed.", e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new InternalException("Configuration cannot be bound to the record " + type.getName() + ".", e);
        }
    }

    private Object mismatch(Type type, JsonNode node, String key) {
        String found = node.isTextual() ? "'" + node.textValue() + "'" : node.toString();
        String hint = "";
        if (type == String.class && node.isValueNode()) {
            hint = " (put it in quotes)";
        } else if (node.isIntegralNumber() && ConfigTypes.name(type).equals("whole number")) {
            hint = " in range";
        }
        return fail(key, found + " is no " + ConfigTypes.name(type) + hint);
    }

    private Object fail(String key, String problem) {
        boolean fromOverride = overridden.stream().anyMatch(o -> key.equals(o) || key.startsWith(o + "."));
        errors.add((key.isEmpty() ? "" : key + ": ") + problem + (fromOverride ? " (from --set)" : ""));
        return null;
    }

    /** The known key that an unknown one most likely means: by its last part, and rather one of the same section. */
    private String nearest(String unknown, List<String> siblings) {
        List<String> candidates = new ArrayList<>(siblings);
        for (Configs.Key key : Configs.describe(root)) {
            candidates.add(key.key());
        }
        String name = ConfigTypes.kebab(lastPart(unknown));
        String best = "";
        int smallest = Integer.MAX_VALUE;
        for (int i = 0; i < candidates.size(); i++) {
            int distance = 2 * distance(name, lastPart(candidates.get(i))) + (i < siblings.size() ? 0 : 1);
            if (distance < smallest) {
                smallest = distance;
                best = candidates.get(i);
            }
        }
        return best;
    }

    /** The edit distance of Levenshtein (1966): insertions, deletions and substitutions that turn one text to the other. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }

    private static String lastPart(String key) {
        return key.substring(key.lastIndexOf('.') + 1);
    }

    /** The tree of a value that {@link #value} would make of it. */
    static JsonNode unbind(Object value) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        if (value instanceof JsonNode tree) {
            return tree.deepCopy();
        }
        if (value instanceof Duration duration) {
            return nodes.textNode(DurationText.exact(duration));
        }
        if (value instanceof DataSize || value instanceof String) {
            return nodes.textNode(value.toString());
        }
        if (value instanceof Boolean truth) {
            return nodes.booleanNode(truth);
        }
        if (value instanceof Integer || value instanceof Long) {
            return nodes.numberNode(((Number) value).longValue());
        }
        if (value instanceof Double || value instanceof Float) {
            // By way of text: the float 0.1 is to stay 0.1.
            return nodes.numberNode(Double.parseDouble(value.toString()));
        }
        if (value instanceof Enum<?> constant) {
            return nodes.textNode(ConfigTypes.choice(constant));
        }
        if (value instanceof List<?> list) {
            ArrayNode items = nodes.arrayNode();
            list.forEach(item -> items.add(unbind(item)));
            return items;
        }
        if (value instanceof Map<?, ?> map) {
            ObjectNode items = nodes.objectNode();
            map.forEach((key, item) -> items.set((String) key, unbind(item)));
            return items;
        }
        if (value instanceof Record section) {
            return unbindSection(section);
        }
        throw new InternalException("A configuration holds the value " + value + ", whose type it cannot have.");
    }

    private static ObjectNode unbindSection(Record section) {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        ConfigTypes.choiceOf(section.getClass())
                .ifPresent(choice -> tree.put(ConfigTypes.tag(choice), ConfigTypes.alternative(section.getClass())));
        for (RecordComponent component : section.getClass().getRecordComponents()) {
            Object value;
            try {
                component.getAccessor().setAccessible(true);
                value = component.getAccessor().invoke(section);
            } catch (ReflectiveOperationException e) {
                throw new InternalException("Reading " + component + " of a configuration failed.", e);
            }
            if (value instanceof Optional<?> optional) {
                // A null overrides a default that is present.
                tree.set(
                        Configs.key(component),
                        optional.map(ConfigBinder::unbind).orElse(JsonNodeFactory.instance.nullNode()));
            } else {
                tree.set(Configs.key(component), unbind(value));
            }
        }
        return tree;
    }
}
