package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The types that {@link Configs} knows, and how they are called in help texts and errors. */
final class ConfigTypes {
    private ConfigTypes() {}

    /** {@code batchRows} becomes {@code batch-rows}. */
    static String kebab(String name) {
        return name.replace('_', '-').replaceAll("([a-z0-9])([A-Z])", "$1-$2").toLowerCase(Locale.ROOT);
    }

    /** {@code TOP_ONE} becomes {@code top-one}. */
    static String choice(Enum<?> constant) {
        return constant.name().replace('_', '-').toLowerCase(Locale.ROOT);
    }

    static String join(String section, String key) {
        return section.isEmpty() ? key : section + "." + key;
    }

    static boolean isSection(Type type) {
        return type instanceof Class<?> c && c.isRecord() && c != DataSize.class;
    }

    /** Whether the key of these parts is a section, present or optional, of a configuration. */
    static boolean isSection(Class<?> root, List<String> parts) {
        Type type = root;
        for (String part : parts) {
            Type found = null;
            if (isSection(type)) {
                for (RecordComponent component : raw(type).getRecordComponents()) {
                    if (kebab(component.getName()).equals(part)) {
                        found = component.getGenericType();
                    }
                }
            }
            if (found == null) {
                return false;
            }
            type = is(found, Optional.class) ? content(found) : found;
        }
        return isSection(type);
    }

    static boolean isChoice(Type type) {
        return type instanceof Class<?> c && c.isAnnotationPresent(Choice.class);
    }

    /** The key that names the record of a choice. */
    static String tag(Class<?> choice) {
        return choice.getAnnotation(Choice.class).value();
    }

    /** The records of a choice, the one that is meant by default first. */
    static List<Class<?>> alternatives(Class<?> choice) {
        return List.of(choice.getPermittedSubclasses());
    }

    /** {@code TopK} becomes {@code top-k}. */
    static String alternative(Class<?> record) {
        return kebab(record.getSimpleName());
    }

    /** The keys of a section. */
    static List<String> keys(Class<?> section) {
        return Arrays.stream(section.getRecordComponents()).map(Configs::key).toList();
    }

    /** The choice that a record is an alternative of. */
    static Optional<Class<?>> choiceOf(Class<?> record) {
        for (Class<?> parent : record.getInterfaces()) {
            if (isChoice(parent)) {
                return Optional.of(parent);
            }
        }
        return Optional.empty();
    }

    static boolean is(Type type, Class<?> raw) {
        return type instanceof ParameterizedType generic && generic.getRawType() == raw;
    }

    /** The last type argument: what a list, a map or an Optional holds. */
    static Type content(Type type) {
        Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
        return arguments[arguments.length - 1];
    }

    /** The default of a component, if its annotation has one. */
    static Optional<String> defaultOf(RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        return setting == null || setting.value().equals(Setting.REQUIRED)
                ? Optional.empty()
                : Optional.of(setting.value());
    }

    /** What a value of {@code type} is called, to follow "is no". */
    static String name(Type type) {
        if (is(type, Optional.class)) {
            return name(content(type));
        }
        if (is(type, List.class)) {
            return "list of " + (isSection(content(type)) ? "sections" : name(content(type)) + "s");
        }
        if (is(type, Map.class)) {
            return "map from names to " + (isSection(content(type)) ? "sections" : name(content(type)) + "s");
        }
        Class<?> c = raw(type);
        if (c.isEnum()) {
            return "choice of " + String.join(", ", choices(c));
        }
        if (isChoice(c)) {
            return "choice of " + String.join(", ", names(c));
        }
        if (c == int.class || c == Integer.class || c == long.class || c == Long.class) {
            return "whole number";
        }
        if (c == float.class || c == Float.class || c == double.class || c == Double.class) {
            return "number";
        }
        if (c == boolean.class || c == Boolean.class) {
            return "true or false";
        }
        if (c == String.class) {
            return "text";
        }
        if (c == Duration.class) {
            return "duration such as 10m";
        }
        if (c == DataSize.class) {
            return "size such as 64MiB";
        }
        if (isSection(c)) {
            return "section";
        }
        if (c == JsonNode.class) {
            return "any value";
        }
        throw new InternalException("Configuration cannot be bound to the type " + type.getTypeName() + ".");
    }

    static Class<?> raw(Type type) {
        if (type instanceof Class<?> c) {
            return c;
        }
        throw new InternalException("Configuration cannot be bound to the type " + type.getTypeName() + ".");
    }

    private static List<String> names(Class<?> choice) {
        return alternatives(choice).stream().map(ConfigTypes::alternative).toList();
    }

    static List<String> choices(Class<?> type) {
        List<String> names = new ArrayList<>();
        for (Object constant : type.getEnumConstants()) {
            names.add(choice((Enum<?>) constant));
        }
        return names;
    }

    /** Appends the keys of a section. */
    static void describe(Class<?> section, String prefix, List<Configs.Key> keys) {
        for (RecordComponent component : section.getRecordComponents()) {
            Type type = component.getGenericType();
            Setting setting = component.getAnnotation(Setting.class);
            String key = join(prefix, kebab(component.getName()));
            String help = setting == null ? "" : setting.help();
            if (!isSection(type) && !isChoice(type)) {
                keys.add(new Configs.Key(key, name(type), defaultOf(component), help));
            }
            describeContent(type, key, help, keys);
        }
    }

    private static void describeContent(Type type, String key, String help, List<Configs.Key> keys) {
        if (is(type, List.class)) {
            describeContent(content(type), key + "[]", help, keys);
        } else if (is(type, Map.class)) {
            describeContent(content(type), key + ".*", help, keys);
        } else if (is(type, Optional.class)) {
            describeContent(content(type), key, help, keys);
        } else if (isChoice(type)) {
            describeAlternatives(raw(type), key, help, keys);
        } else if (isSection(type)) {
            describe(raw(type), key, keys);
        }
    }

    /** Appends the keys of all alternatives; one that several of them have stands where the first has it. */
    private static void describeAlternatives(Class<?> choice, String key, String help, List<Configs.Key> keys) {
        String byDefault = alternative(alternatives(choice).get(0));
        keys.add(new Configs.Key(join(key, tag(choice)), name(choice), Optional.of(byDefault), help));
        Set<String> known = new HashSet<>();
        for (Class<?> alternative : alternatives(choice)) {
            List<Configs.Key> own = new ArrayList<>();
            describe(alternative, key, own);
            for (Configs.Key one : own) {
                if (known.add(one.key())) {
                    keys.add(one);
                }
            }
        }
    }
}
