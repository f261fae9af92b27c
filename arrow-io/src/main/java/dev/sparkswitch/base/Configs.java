package dev.sparkswitch.base;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Binds configuration to records, strictly.
 *
 * <p>A section is a record, a key is a component's name in kebab-case. What counts, from the strongest: an override
 * ({@code --set a.b=c}), the file, the default in {@link Setting}. Components may be {@code String}, {@code boolean},
 * {@code int}, {@code long}, {@code float}, {@code double}, {@link java.time.Duration} ({@code 10m}), {@link DataSize}
 * ({@code 64MiB}), an enum (constants in kebab-case), a record, a sealed {@link Choice} of records, {@code JsonNode} (taken as it is), and
 * {@code Optional},
 * {@code List} and {@code Map<String, ...>} of these. A section that is not given is bound from its defaults alone.
 *
 * <p>A section may stand in a file of its own: {@code model: base.yaml}, or {@code model: {file: base.yaml, dropout: 0}} for
 * all of it but what is said beside the file's name. {@link SectionFiles} finds the file.
 *
 * <p>Everything that is wrong is reported in one {@link UserException}: unknown keys with the nearest known one, missing
 * keys, values of the wrong type, and what the records' own constructors refuse with an {@code IllegalArgumentException}.
 */
public final class Configs {
    /** More than the YAML parser takes, which says so. */
    private static final int LARGEST = 16 << 20;

    private static final YAMLMapper YAML = YAMLMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Configs() {}

    /**
     * One key, as help texts and documents show it.
     *
     * @param key with the sections it lies in: {@code train.batch-rows}, {@code tasks[].name}, {@code weights.*}
     * @param type what it takes, in words
     * @param defaultValue as YAML; empty if the key must be given or is simply absent by default
     * @param help what it does
     */
    public record Key(String key, String type, Optional<String> defaultValue, String help) {}

    /** Binds a YAML file and overrides. */
    public static <R extends Record> R load(Class<R> type, Path file, List<String> overrides) {
        try (InputStream in = Files.newInputStream(file)) {
            return load(type, in, file.toString(), overrides);
        } catch (NoSuchFileException e) {
            throw new UserException("The configuration file " + file + " does not exist: correct the path.", e);
        } catch (IOException e) {
            throw new UserException(
                    "The configuration file " + file + " cannot be read (" + e.getMessage()
                            + "): correct the path or your rights.",
                    e);
        }
    }

    /** Binds YAML and overrides; {@code name} stands for the YAML in errors. */
    public static <R extends Record> R load(Class<R> type, InputStream yaml, String name, List<String> overrides) {
        return load(type, read(yaml, name), name, overrides, SectionFiles.NONE);
    }

    /** Binds YAML and overrides; {@code name} stands for the YAML in errors, {@code files} finds sections' own files. */
    public static <R extends Record> R load(
            Class<R> type, InputStream yaml, String name, List<String> overrides, SectionFiles files) {
        return load(type, read(yaml, name), name, overrides, files);
    }

    /** Binds a tree and overrides. */
    public static <R extends Record> R load(Class<R> type, JsonNode tree, List<String> overrides) {
        return load(type, tree, "the configuration", overrides, SectionFiles.NONE);
    }

    /** Binds a tree and overrides; {@code name} stands for the tree in errors. */
    public static <R extends Record> R load(Class<R> type, JsonNode tree, String name, List<String> overrides) {
        return load(type, tree, name, overrides, SectionFiles.NONE);
    }

    /** Binds a tree and overrides; {@code name} stands for the tree in errors, {@code files} finds sections' own files. */
    public static <R extends Record> R load(
            Class<R> type, JsonNode tree, String name, List<String> overrides, SectionFiles files) {
        List<String> errors = new ArrayList<>();
        Set<String> overridden = new LinkedHashSet<>();
        JsonNode merged = tree.deepCopy();
        for (String override : overrides) {
            if (merged instanceof ObjectNode root) {
                apply(type, override, root, overridden, errors);
            }
        }
        R result = new ConfigBinder(type, overridden, errors, files).bind(merged);
        if (!errors.isEmpty()) {
            String heading = errors.size() == 1 ? "" : errors.size() + " settings are wrong:\n  ";
            throw new UserException("In " + name + ": " + heading + String.join("\n  ", errors));
        }
        return result;
    }

    /** The tree of a YAML document, an empty one for an empty document; {@code name} stands for it in errors. */
    public static JsonNode read(InputStream yaml, String name) {
        try {
            JsonNode tree = YAML.readTree(yaml.readNBytes(LARGEST));
            return tree.isMissingNode() || tree.isNull() ? JsonNodeFactory.instance.objectNode() : tree;
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            String place = at == null ? "" : " in line " + at.getLineNr() + ", column " + at.getColumnNr();
            throw new UserException(
                    name + " is no valid YAML" + place + " (" + yamlProblem(e.getOriginalMessage())
                            + "): correct the file.",
                    e);
        } catch (IOException e) {
            throw new UserException(name + " cannot be read (" + e.getMessage() + "): correct the path.", e);
        }
    }

    /**
     * The tree of settings of {@code type} with others over them: sections become one, all else is replaced. Neither tree is
     * changed, and neither need be complete or right: what is wrong shows when the result is bound.
     */
    public static JsonNode merged(Class<? extends Record> type, JsonNode below, JsonNode above) {
        return ConfigMerge.merged(type, below, above);
    }

    /** The tree that {@link #load} would bind to an equal record. */
    public static ObjectNode toTree(Record config) {
        return (ObjectNode) ConfigBinder.unbind(config);
    }

    /** Every key of a configuration, in the order of the records' components. */
    public static List<Key> describe(Class<? extends Record> type) {
        List<Key> keys = new ArrayList<>();
        ConfigTypes.describe(type, "", keys);
        return keys;
    }

    /** The key of a record component: {@code batchRows} becomes {@code batch-rows}. */
    public static String key(RecordComponent component) {
        return ConfigTypes.kebab(component.getName());
    }

    private static void apply(
            Class<?> type, String override, ObjectNode root, Set<String> overridden, List<String> errors) {
        int equals = override.indexOf('=');
        String key = equals < 0 ? override : override.substring(0, equals).strip();
        String[] parts = key.split("\\.", -1);
        if (equals < 0 || List.of(parts).contains("")) {
            errors.add("'" + override + "' is no override of the form key=value, such as train.steps=100");
            return;
        }
        JsonNode value;
        try {
            value = YAML.readTree(override.substring(equals + 1));
        } catch (JsonProcessingException e) {
            errors.add(
                    key + ": the value of '" + override + "' is no valid YAML: " + firstLine(e.getOriginalMessage()));
            return;
        }
        ObjectNode section = root;
        for (int i = 0; i < parts.length - 1; i++) {
            JsonNode inner = section.get(parts[i]);
            if (inner == null || inner.isNull()) {
                inner = section.putObject(parts[i]);
            }
            if (inner.isTextual() && ConfigTypes.isSection(type, List.of(parts).subList(0, i + 1))) {
                inner = section.putObject(parts[i]).set(FileOfSection.KEY, inner);
            }
            if (!(inner instanceof ObjectNode object)) {
                errors.add(key + ": " + String.join(".", List.of(parts).subList(0, i + 1))
                        + " is no section, so it has no keys to override");
                return;
            }
            section = object;
        }
        section.set(parts[parts.length - 1], value.isMissingNode() ? JsonNodeFactory.instance.nullNode() : value);
        overridden.add(key);
    }

    /** Reads a default, which our own code gave: a mistake in it is a defect. */
    static JsonNode parseDefault(String yaml, String key) {
        try {
            return YAML.readTree(yaml);
        } catch (JsonProcessingException e) {
            throw new InternalException("The default '" + yaml + "' of " + key + " is no valid YAML.", e);
        }
    }

    /** What the YAML parser was doing and, where it says so below a mark, what it met. */
    private static String yamlProblem(String text) {
        List<String> lines =
                text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        int mark = lines.indexOf("^");
        return firstLine(text) + (mark >= 0 && mark + 1 < lines.size() ? ": " + lines.get(mark + 1) : "");
    }

    private static String firstLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse("unknown error");
    }
}
