package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A folder of Hugging Face's: {@code config.json} with {@code model.safetensors}, or with
 * {@code model.safetensors.index.json} and the files that it names.
 *
 * <p>Opening it compares every tensor's name and shape with the configuration; reading a parameter refuses
 * values that are not finite. Where tensors and {@code tie_word_embeddings} disagree on what is tied, the tensors are
 * believed.
 */
public final class HuggingFaceFolder implements ModelSource {
    static final String CONFIG = "config.json";
    static final String MODEL = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** A bias that T5 v1.0's published files hold although no layer reads it. */
    private static final String UNUSED_BIAS = "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight";

    private final T5Config config;
    private final TensorStore parameters;

    private HuggingFaceFolder(T5Config config, TensorStore parameters) {
        this.config = config;
        this.parameters = parameters;
    }

    /**
     * Opens a folder and checks it.
     *
     * @throws UserException naming the file and field or tensor at fault
     */
    public static HuggingFaceFolder open(FileSystem fileSystem, Path folder) {
        return open(new HadoopFolder(fileSystem, folder));
    }

    /** Opens a folder of this machine. */
    public static HuggingFaceFolder open(java.nio.file.Path folder) {
        return open(new LocalFolder(folder));
    }

    private static HuggingFaceFolder open(StoredFiles folder) {
        JsonNode tree = JsonFiles.read(folder, CONFIG);
        TensorStore stored = openTensors(folder);
        try {
            StoredEmbeddings embeddings = StoredEmbeddings.of(stored);
            T5Config config =
                    HuggingFaceConfig.read(tree, folder.path(CONFIG), embeddings.head(), embeddings.embedding());
            SortedMap<String, String> homes = resolve(config, embeddings, stored);
            return new HuggingFaceFolder(config, new Parameters(stored, homes, folder.toString()));
        } catch (RuntimeException e) {
            stored.close();
            throw e;
        }
    }

    @Override
    public T5Config config() {
        return config;
    }

    @Override
    public TensorStore parameters() {
        return parameters;
    }

    @Override
    public void close() {
        parameters.close();
    }

    private static TensorStore openTensors(StoredFiles folder) {
        try {
            if (folder.holds(MODEL)) {
                return SafetensorsReader.open(folder, MODEL);
            }
            if (folder.holds(INDEX)) {
                return openIndexed(folder);
            }
        } catch (IOException e) {
            throw new ResourceException("Cannot read " + folder + " (" + e.getMessage() + "): check the path.", e);
        }
        throw new UserException("Folder " + folder + " has neither " + MODEL + " nor " + INDEX
                + ": save the model in the safetensors format first.");
    }

    private static TensorStore openIndexed(StoredFiles folder) {
        String index = folder.path(INDEX);
        JsonNode map = JsonFiles.read(folder, INDEX).path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new UserException(index + " has no weight_map that says which file holds which tensor.");
        }
        SortedMap<String, String> homes = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            String file = entry.getValue().asText();
            if (!entry.getValue().isTextual() || !file.matches("[A-Za-z0-9_-][A-Za-z0-9._-]*")) {
                throw new UserException(
                        index + " places " + entry.getKey() + " in " + entry.getValue() + ", which is no file name.");
            }
            homes.put(entry.getKey(), file);
        }
        List<SafetensorsReader> readers = new ArrayList<>();
        try {
            for (String file : new TreeSet<>(homes.values())) {
                readers.add(SafetensorsReader.open(folder, file));
            }
            TensorFiles files = new TensorFiles(folder.toString(), readers);
            for (String name : homes.keySet()) {
                if (!files.tensors().containsKey(name)) {
                    throw new UserException(
                            index + " places " + name + " in " + homes.get(name) + ", which does not hold it.");
                }
            }
            return files;
        } catch (RuntimeException e) {
            readers.forEach(SafetensorsReader::close);
            throw e;
        }
    }

    /** The stored name of every parameter. */
    private static SortedMap<String, String> resolve(T5Config config, StoredEmbeddings embeddings, TensorStore stored) {
        SortedMap<String, String> names = new TreeMap<>(embeddings.homes(config));
        for (String name : stored.tensors().keySet()) {
            if (!embeddings.isOne(name) && !name.equals(UNUSED_BIAS)) {
                names.put(name, name);
            }
        }
        SortedMap<String, TensorInfo> found = new TreeMap<>();
        names.forEach((name, home) -> found.put(name, stored.info(home)));
        ParameterCheck.require(ParameterSpecs.of(config), found, stored.toString());
        return names;
    }

    /**
     * Writes a folder that transformers loads. {@code config.json} comes last, so that a folder without it is not
     * finished.
     *
     * @param folder must not hold a model yet
     * @param config what {@code tensors} belong to
     * @param tree the content of {@code config.json}: {@link HuggingFaceConfig#write} or {@link HuggingFaceConfig#export}
     * @param tensors every parameter once, under its own name
     * @param shardBytes the size of tensors above which the model is spread over several files
     * @return the lines on its files for a manifest
     * @throws UserException where the folder holds a model, or the tensors are not the configuration's
     */
    public static List<Manifest.Entry> write(
            FileSystem fileSystem,
            Path folder,
            T5Config config,
            JsonNode tree,
            List<TensorSource> tensors,
            long shardBytes) {
        return new HuggingFaceWriter(HadoopFiles.raw(fileSystem), folder).write(config, tree, tensors, shardBytes);
    }

    /** The parameters under their own names, wherever they stand; checks that what is read is finite. */
    private static final class Parameters implements TensorStore {
        private final TensorStore stored;
        private final SortedMap<String, String> homes;
        private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();
        private final String where;

        Parameters(TensorStore stored, SortedMap<String, String> homes, String where) {
            this.stored = stored;
            this.homes = homes;
            this.where = where;
            homes.forEach((name, home) -> {
                TensorInfo info = stored.info(home);
                tensors.put(name, new TensorInfo(name, info.type(), info.shape()));
            });
        }

        @Override
        public SortedMap<String, TensorInfo> tensors() {
            return Collections.unmodifiableSortedMap(tensors);
        }

        @Override
        public void read(String name, long offset, ByteBuffer into) {
            TensorInfo info = info(name);
            ByteBuffer written = into.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            stored.read(homes.get(name), offset, into);
            long bad = Numbers.firstNotFinite(written, info.type());
            if (bad >= 0) {
                throw TensorSource.notFinite(
                        where, homes.get(name), offset / info.type().bytes() + bad);
            }
        }

        @Override
        public String toString() {
            return where;
        }

        @Override
        public void close() {
            stored.close();
        }
    }
}
