package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a folder holds and what made it. A folder of files becomes a finished result (a corpus, a vocabulary, shards, a
 * checkpoint) the moment its manifest appears beside them; see {@link Manifests}.
 *
 * @param format the version of this record's form, {@link #FORMAT}
 * @param kind what the folder holds, such as {@link #SHARDS}
 * @param version the version of SparkSwitch that made it
 * @param created when, as an ISO-8601 instant; the only part that {@link #id} ignores
 * @param seed the seed of its random numbers
 * @param config the configuration of the job that made it
 * @param inputs what it was made from
 * @param counts what was counted: rows, tokens, documents dropped by a rule
 * @param properties facts that its readers need, such as {@code input-length}
 * @param files the files of the folder that belong to it, in their order
 */
public record Manifest(
        int format,
        String kind,
        String version,
        String created,
        long seed,
        JsonNode config,
        List<Input> inputs,
        SortedMap<String, Long> counts,
        SortedMap<String, String> properties,
        List<Entry> files) {
    /** The form that this version writes. */
    public static final int FORMAT = 1;

    /** Cleaned documents, made by {@code prepare}. */
    public static final String CORPUS = "corpus";
    /** A tokenizer's model, made by {@code vocab}. */
    public static final String VOCABULARY = "vocabulary";
    /** Tokenized, corrupted rows, made by {@code batch}. */
    public static final String SHARDS = "shards";
    /** A model's state, made by {@code pretrain} and what follows it. */
    public static final String CHECKPOINT = "checkpoint";
    /** A model in Hugging Face's layout, made by {@code convert}. */
    public static final String MODEL = "model";

    public Manifest {
        require(kind, "kind");
        require(version, "version");
        require(created, "created");
        config = ManifestJson.normal(config == null ? JsonNodeFactory.instance.objectNode() : config);
        inputs = inputs == null ? List.of() : List.copyOf(inputs);
        counts = sorted(counts);
        properties = sorted(properties);
        files = files == null ? List.of() : List.copyOf(files);
    }

    /**
     * Something that a result was made from.
     *
     * @param name its part in the making, such as {@code vocabulary}
     * @param path where it lay
     * @param id a hash, or a manifest's id, that changes when the content does
     */
    public record Input(String name, String path, String id) {
        public Input {
            require(name, "name of an input");
            require(path, "path of input " + name);
            require(id, "id of input " + name);
        }
    }

    /**
     * One file.
     *
     * @param path relative to the manifest's folder, parts separated by {@code /}
     * @param bytes its size
     * @param checksum {@code crc32c:} and eight hexadecimal digits
     * @param counts what it holds, such as {@code rows}
     */
    public record Entry(String path, long bytes, String checksum, SortedMap<String, Long> counts) {
        public Entry {
            require(path, "path of a file");
            require(checksum, "checksum of " + path);
            // Paths come from outside too: none may lead out of its folder.
            for (String part : path.split("/", -1)) {
                if (part.isEmpty()
                        || part.equals(".")
                        || part.equals("..")
                        || part.contains(":")
                        || part.contains("\0")) {
                    throw new IllegalArgumentException("'" + path + "' is not a relative path inside the folder");
                }
            }
            if (bytes < 0) {
                throw new IllegalArgumentException("File " + path + " cannot have " + bytes + " bytes");
            }
            if (!Checksums.isValid(checksum)) {
                throw new IllegalArgumentException("'" + checksum + "' is no checksum of the form crc32c:xxxxxxxx");
            }
            counts = sorted(counts);
        }

        public Entry(String path, long bytes, String checksum) {
            this(path, bytes, checksum, new TreeMap<>());
        }

        /** The count called {@code name}, 0 if there is none. */
        public long count(String name) {
            return counts.getOrDefault(name, 0L);
        }
    }

    /** A new manifest of {@code kind} by this version, made now. */
    public static Builder builder(String kind) {
        return new Builder(kind);
    }

    /** {@code sha256:} and the hash of everything but {@code created}, as JSON with sorted keys. Equal work, equal id. */
    public String id() {
        return ManifestJson.id(this);
    }

    /** This result as an input of the next. */
    public Input asInput(String name, String path) {
        return new Input(name, path, id());
    }

    /** The property {@code name}; a {@link UserException} if the manifest has none. */
    public String property(String name) {
        String value = properties.get(name);
        if (value == null) {
            throw new UserException("The manifest of a '" + kind + "' lacks the property '" + name
                    + "': it was changed by hand or made by another version (" + version + "); make the folder again.");
        }
        return value;
    }

    private static void require(String value, String name) {
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("The " + name + " is missing");
        }
    }

    private static <V> SortedMap<String, V> sorted(Map<String, V> map) {
        TreeMap<String, V> copy = new TreeMap<>();
        if (map != null) {
            map.forEach((key, value) -> {
                if (value == null) {
                    throw new IllegalArgumentException("'" + key + "' has no value");
                }
                copy.put(key, value);
            });
        }
        return Collections.unmodifiableSortedMap(copy);
    }

    /** Collects a manifest's parts. */
    public static final class Builder {
        private final String kind;
        private final List<Input> inputs = new ArrayList<>();
        private final SortedMap<String, Long> counts = new TreeMap<>();
        private final SortedMap<String, String> properties = new TreeMap<>();
        private final List<Entry> files = new ArrayList<>();
        private JsonNode config = JsonNodeFactory.instance.objectNode();
        private long seed;

        private Builder(String kind) {
            this.kind = kind;
        }

        public Builder seed(long value) {
            seed = value;
            return this;
        }

        public Builder config(JsonNode value) {
            config = value;
            return this;
        }

        public Builder input(Input input) {
            inputs.add(input);
            return this;
        }

        public Builder input(String name, String path, String id) {
            return input(new Input(name, path, id));
        }

        public Builder count(String name, long value) {
            counts.put(name, value);
            return this;
        }

        public Builder counts(Map<String, Long> values) {
            counts.putAll(values);
            return this;
        }

        public Builder property(String name, Object value) {
            properties.put(name, value.toString());
            return this;
        }

        public Builder properties(Map<String, String> values) {
            properties.putAll(values);
            return this;
        }

        public Builder file(Entry entry) {
            files.add(entry);
            return this;
        }

        public Builder files(List<Entry> entries) {
            files.addAll(entries);
            return this;
        }

        public Manifest build() {
            String created = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
            return new Manifest(
                    FORMAT, kind, Build.version(), created, seed, config, inputs, counts, properties, files);
        }
    }
}
