package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.ChecksumOutputStream;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.Embedding;
import dev.sparkswitch.model.ParameterNames;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Stack;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Writes one folder in Hugging Face's layout. */
final class HuggingFaceWriter {
    private final FileSystem files;
    private final Path folder;
    private final List<Manifest.Entry> entries = new ArrayList<>();

    HuggingFaceWriter(FileSystem files, Path folder) {
        this.files = files;
        this.folder = folder;
    }

    /** See {@link HuggingFaceFolder#write}. */
    List<Manifest.Entry> write(T5Config config, JsonNode tree, List<TensorSource> tensors, long shardBytes) {
        SortedMap<String, TensorInfo> infos = new TreeMap<>();
        tensors.forEach(tensor -> infos.put(tensor.info().name(), tensor.info()));
        ParameterCheck.require(ParameterSpecs.of(config), infos, folder.toString());
        try {
            if (files.exists(new Path(folder, HuggingFaceFolder.CONFIG))) {
                throw new UserException("Folder " + folder + " already holds a model (" + HuggingFaceFolder.CONFIG
                        + "): give another folder, or remove this one first.");
            }
            List<List<TensorSource>> shards = TensorSource.blocks(withCopies(config, tensors), shardBytes);
            if (shards.size() == 1) {
                writeTensors(HuggingFaceFolder.MODEL, shards.get(0));
            } else {
                writeShards(shards);
            }
            ObjectNode generation = JsonNodeFactory.instance.objectNode();
            generation.put("decoder_start_token_id", config.decoderStartId());
            generation.put("eos_token_id", config.eosId());
            generation.put("pad_token_id", config.padId());
            writeJson("generation_config.json", generation);
            writeJson(HuggingFaceFolder.CONFIG, tree);
            return entries;
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot write the model to " + folder + " (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    /** Where nothing is tied, transformers 5 fills an embedding that it does not find with random numbers. */
    private static List<TensorSource> withCopies(T5Config config, List<TensorSource> tensors) {
        if (config.head().tied() || config.embedding() == Embedding.PER_STACK) {
            return tensors;
        }
        List<TensorSource> all = new ArrayList<>(tensors);
        for (TensorSource tensor : tensors) {
            if (tensor.info().name().equals(ParameterNames.SHARED)) {
                for (Stack stack : Stack.values()) {
                    all.add(tensor.renamed(ParameterNames.ownEmbedding(stack)));
                }
            }
        }
        return all;
    }

    private void writeShards(List<List<TensorSource>> shards) throws IOException {
        ObjectNode index = JsonNodeFactory.instance.objectNode();
        SortedMap<String, String> homes = new TreeMap<>();
        long total = 0;
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
            for (TensorSource tensor : shards.get(i)) {
                homes.put(tensor.info().name(), name);
                total += tensor.info().bytes();
            }
            writeTensors(name, shards.get(i));
        }
        index.putObject("metadata").put("total_size", total);
        ObjectNode map = index.putObject("weight_map");
        homes.forEach(map::put);
        writeJson(HuggingFaceFolder.INDEX, index);
    }

    private void writeTensors(String name, List<TensorSource> tensors) throws IOException {
        writeFile(name, out -> SafetensorsWriter.write(out, tensors));
    }

    private void writeJson(String name, JsonNode tree) throws IOException {
        writeFile(name, out -> out.write(JsonFiles.bytes(tree)));
    }

    @FunctionalInterface
    private interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private void writeFile(String name, Content content) throws IOException {
        try (ChecksumOutputStream out = new ChecksumOutputStream(HadoopFiles.create(files, new Path(folder, name)))) {
            content.writeTo(out);
            out.sync();
            entries.add(new Manifest.Entry(name, out.bytes(), out.checksum()));
        }
    }
}
