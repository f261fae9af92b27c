package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.T5Config;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A checkpoint that no run wrote: weights alone, of step 0. */
public final class CheckpointFolder {
    private CheckpointFolder() {}

    /**
     * Writes everything but the manifest, without which nobody takes the folder for a checkpoint.
     *
     * @param tensors every parameter once, under its own name
     * @param blockBytes the size of tensors above which experts are spread over several files
     * @param provenance a manifest of kind {@link Manifest#CHECKPOINT}; counts and files are filled in here
     * @throws dev.sparkswitch.base.UserException where the tensors are not the configuration's
     */
    public static Manifest write(
            FileSystem fileSystem,
            Path folder,
            T5Config config,
            List<TensorSource> tensors,
            long blockBytes,
            Manifest.Builder provenance) {
        SortedMap<String, TensorInfo> infos = new TreeMap<>();
        tensors.forEach(tensor -> infos.put(tensor.info().name(), tensor.info()));
        List<ParameterSpec> specs = ParameterSpecs.of(config);
        ParameterCheck.require(specs, infos, folder.toString());
        Set<String> ofExperts = new HashSet<>();
        for (ParameterSpec spec : specs) {
            if (spec.role() == Role.EXPERT) {
                ofExperts.add(spec.name());
            }
        }
        List<TensorSource> dense = new ArrayList<>();
        List<TensorSource> experts = new ArrayList<>();
        for (TensorSource tensor : tensors) {
            (ofExperts.contains(tensor.info().name()) ? experts : dense).add(tensor);
        }
        CheckpointWriter writer = new CheckpointWriter(HadoopFiles.raw(fileSystem), folder, 0, 0);
        List<Manifest.Entry> entries = new ArrayList<>();
        entries.add(writer.add(CheckpointFiles.DENSE, dense));
        List<List<TensorSource>> blocks = TensorSource.blocks(experts, blockBytes);
        for (int block = 0; block < blocks.size(); block++) {
            entries.add(writer.add(CheckpointFiles.experts(block), blocks.get(block)));
        }
        entries.add(writer.add(CheckpointFiles.CONFIG, JsonFiles.bytes(HuggingFaceConfig.write(config))));
        entries.add(writer.add(CheckpointFiles.STATE, JsonFiles.bytes(new CheckpointState(0, 0, 0).toJson())));
        return provenance
                .count("step", 0)
                .count("parameters", ParameterSpecs.count(config))
                .files(entries)
                .build();
    }
}
