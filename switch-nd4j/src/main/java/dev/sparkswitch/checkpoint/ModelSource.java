package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.T5Config;
import java.io.IOException;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A model on disk: a checkpoint of ours or a folder of Hugging Face's. */
public interface ModelSource extends AutoCloseable {
    /** What the model is. */
    T5Config config();

    /** Its parameters under their own names, complete and of the right shapes. */
    TensorStore parameters();

    @Override
    void close();

    /**
     * Opens whichever model {@code folder} holds: a checkpoint, a folder of checkpoints (its newest sound one), or a
     * folder of Hugging Face's.
     *
     * @throws UserException where it holds none of them, or a damaged one
     */
    static ModelSource open(FileSystem fileSystem, Path folder) {
        Optional<Manifest> committed = Manifests.find(fileSystem, folder);
        if (committed.isPresent()) {
            Manifests.verify(fileSystem, folder, committed.get());
            return committed.get().kind().equals(Manifest.MODEL)
                    ? HuggingFaceFolder.open(fileSystem, folder)
                    : Checkpoint.open(fileSystem, folder);
        }
        try {
            if (HadoopFiles.raw(fileSystem).exists(new Path(folder, HuggingFaceFolder.CONFIG))) {
                return HuggingFaceFolder.open(fileSystem, folder);
            }
        } catch (IOException e) {
            throw new ResourceException("Cannot read " + folder + " (" + e.getMessage() + "): check the path.", e);
        }
        CheckpointStore store = new CheckpointStore(fileSystem, folder);
        Optional<CheckpointRef> newest = store.newestValid();
        if (newest.isEmpty()) {
            int damaged = store.committed().size();
            throw new UserException("Folder " + folder + " holds no model: "
                    + (damaged > 0
                            ? "all " + damaged + " checkpoints are damaged; restore one"
                            : "neither a checkpoint nor a " + HuggingFaceFolder.CONFIG
                                    + "; correct the path, or run 'sparkswitch pretrain' to make one")
                    + ".");
        }
        return Checkpoint.open(fileSystem, newest.get().folder());
    }
}
