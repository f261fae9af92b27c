package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.HuggingFaceConfig.HeadTensor;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A committed checkpoint, open for reading. Any tensor is found by its name, whichever file of whichever number of
 * ranks it was written to.
 */
public final class Checkpoint implements ModelSource {
    private final Manifest manifest;
    private final T5Config config;
    private final CheckpointState state;
    private final TensorStore parameters;
    private final TensorStore optimizer;

    private Checkpoint(
            Manifest manifest, T5Config config, CheckpointState state, TensorStore parameters, TensorStore optimizer) {
        this.manifest = manifest;
        this.config = config;
        this.state = state;
        this.parameters = parameters;
        this.optimizer = optimizer;
    }

    /**
     * Opens the checkpoint in {@code folder}. Checks that its parameters are complete, but not the checksums of its
     * files: {@link CheckpointStore#newestValid} does, once for all ranks.
     *
     * @throws UserException where there is none, or it is damaged
     */
    public static Checkpoint open(FileSystem fileSystem, Path folder) {
        FileSystem files = HadoopFiles.raw(fileSystem);
        Manifest manifest = Manifests.require(files, folder, Manifest.CHECKPOINT);
        Path configFile = new Path(folder, CheckpointFiles.CONFIG);
        Path stateFile = new Path(folder, CheckpointFiles.STATE);
        T5Config config =
                HuggingFaceConfig.read(JsonFiles.read(files, configFile), configFile.toString(), HeadTensor.UNKNOWN);
        CheckpointState state = CheckpointState.fromJson(JsonFiles.read(files, stateFile), stateFile.toString());
        List<SafetensorsReader> parameterFiles = new ArrayList<>();
        List<SafetensorsReader> optimizerFiles = new ArrayList<>();
        try {
            for (Manifest.Entry entry : manifest.files()) {
                if (CheckpointFiles.holdsTensors(entry.path())) {
                    (CheckpointFiles.holdsOptimizer(entry.path()) ? optimizerFiles : parameterFiles)
                            .add(SafetensorsReader.open(files, new Path(folder, entry.path())));
                }
            }
            TensorStore parameters = new TensorFiles(folder.toString(), parameterFiles);
            TensorStore optimizer = new TensorFiles(folder.toString(), optimizerFiles);
            ParameterCheck.require(ParameterSpecs.of(config), parameters.tensors(), folder.toString());
            return new Checkpoint(manifest, config, state, parameters, optimizer);
        } catch (RuntimeException e) {
            parameterFiles.forEach(SafetensorsReader::close);
            optimizerFiles.forEach(SafetensorsReader::close);
            throw e;
        }
    }

    /** What made it. */
    public Manifest manifest() {
        return manifest;
    }

    @Override
    public T5Config config() {
        return config;
    }

    /** Where the run stood. */
    public CheckpointState state() {
        return state;
    }

    @Override
    public TensorStore parameters() {
        return parameters;
    }

    /** The optimizer's tensors, under the names that it gave them; empty where none were saved. */
    public TensorStore optimizer() {
        return optimizer;
    }

    @Override
    public void close() {
        try {
            parameters.close();
        } finally {
            optimizer.close();
        }
    }
}
