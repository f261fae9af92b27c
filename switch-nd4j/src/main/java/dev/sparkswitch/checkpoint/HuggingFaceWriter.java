package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Writes a folder in Hugging Face's layout. */
final class HuggingFaceWriter {
    private HuggingFaceWriter() {}

    static void write(
            FileSystem files,
            Path folder,
            T5Config config,
            JsonNode tree,
            List<TensorSource> tensors,
            long shardBytes) {
        SortedMap<String, TensorInfo> infos = new TreeMap<>();
        tensors.forEach(tensor -> infos.put(tensor.info().name(), tensor.info()));
        ParameterCheck.require(ParameterSpecs.of(config), infos, folder.toString());
        try {
            if (files.exists(new Path(folder, HuggingFaceFolder.CONFIG))) {
                throw new UserException("Folder " + folder + " already holds a model (" + HuggingFaceFolder.CONFIG
                        + "): give another folder, or remove this one first.");
            }
            List<List<TensorSource>> shards = shards(tensors, shardBytes);
            if (shards.size() == 1) {
                writeTensors(files, new Path(folder, HuggingFaceFolder.MODEL), shards.get(0));
            } else {
                writeShards(files, folder, shards);
            }
            ObjectNode generation = JsonNodeFactory.instance.objectNode();
            generation.put("decoder_start_token_id", config.decoderStartId());
            generation.put("eos_token_id", config.eosId());
            generation.put("pad_token_id", config.padId());
            writeJson(files, new Path(folder, "generation_config.json"), generation);
            writeJson(files, new Path(folder, HuggingFaceFolder.CONFIG), tree);
        } catch (IOException | FSError e) {
            throw new ResourceException(
                    "Cannot write the model to " + folder + " (" + e.getMessage()
                            + "): check the disk's space and your rights.",
                    e);
        }
    }

    private static List<List<TensorSource>> shards(List<TensorSource> tensors, long shardBytes) {
        List<List<TensorSource>> shards = new ArrayList<>();
        long filled = 0;
        for (TensorSource tensor : tensors) {
            long bytes = tensor.info().bytes();
            if (shards.isEmpty() || filled + bytes > shardBytes) {
                shards.add(new ArrayList<>());
                filled = 0;
            }
            shards.get(shards.size() - 1).add(tensor);
            filled += bytes;
        }
        return shards;
    }

    private static void writeShards(FileSystem files, Path folder, List<List<TensorSource>> shards) throws IOException {
        ObjectNode index = JsonNodeFactory.instance.objectNode();
        SortedMap<String, String> homes = new TreeMap<>();
        long total = 0;
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format("model-%05d-of-%05d.safetensors", i + 1, shards.size());
            for (TensorSource tensor : shards.get(i)) {
                homes.put(tensor.info().name(), name);
                total += tensor.info().bytes();
            }
            writeTensors(files, new Path(folder, name), shards.get(i));
        }
        index.putObject("metadata").put("total_size", total);
        ObjectNode map = index.putObject("weight_map");
        homes.forEach(map::put);
        writeJson(files, new Path(folder, HuggingFaceFolder.INDEX), index);
    }

    private static void writeTensors(FileSystem files, Path file, List<TensorSource> tensors) throws IOException {
        try (OutputStream out = files.create(file, true)) {
            SafetensorsWriter.write(out, tensors);
        }
    }

    private static void writeJson(FileSystem files, Path file, JsonNode tree) throws IOException {
        try (OutputStream out = files.create(file, true)) {
            out.write(JsonFiles.bytes(tree));
        }
    }
}
