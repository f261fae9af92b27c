package dev.sparkswitch.convert;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.checkpoint.CheckpointFolder;
import dev.sparkswitch.checkpoint.HuggingFaceFolder;
import dev.sparkswitch.model.HuggingFaceConfig;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Writes models, without the manifest that makes a folder a finished result. */
public final class ModelWriter {
    private final FileSystem files;
    private final Path folder;
    private final long shardBytes;

    /**
     * @param folder holds no model yet
     * @param shardBytes the size of tensors above which the model is spread over several files
     */
    public ModelWriter(FileSystem files, Path folder, long shardBytes) {
        this.files = files;
        this.folder = folder;
        this.shardBytes = shardBytes;
    }

    /**
     * Writes a checkpoint of step 0.
     *
     * @return {@code provenance} with what was written, of the kind {@link Manifest#CHECKPOINT}
     */
    public Manifest checkpoint(ModelTensors model, Manifest.Builder provenance) {
        return CheckpointFolder.write(files, folder, model.config(), model.tensors(), shardBytes, provenance);
    }

    /**
     * Writes a folder that transformers loads.
     *
     * @param longestLength the longest sequence to expect, see {@link HuggingFaceConfig#export}
     * @return {@code provenance} with what was written, of the kind {@link Manifest#MODEL}
     * @throws dev.sparkswitch.base.UserException naming what Hugging Face cannot express
     */
    public Manifest huggingFace(ModelTensors model, int longestLength, Manifest.Builder provenance) {
        ObjectNode tree = HuggingFaceConfig.export(model.config(), longestLength);
        switch (model.type()) {
            case F64 -> tree.put("torch_dtype", "float64");
            case F32 -> tree.put("torch_dtype", "float32");
            case F16 -> tree.put("torch_dtype", "float16");
            case BF16 -> tree.put("torch_dtype", "bfloat16");
            case I64, I32, I16, I8, U8, BOOL -> throw new IllegalArgumentException(model.type() + " weights");
        }
        return provenance
                .files(HuggingFaceFolder.write(files, folder, model.config(), tree, model.tensors(), shardBytes))
                .build();
    }
}
