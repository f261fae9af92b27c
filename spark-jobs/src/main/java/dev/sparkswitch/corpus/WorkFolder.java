package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.util.SerializableConfiguration;

/**
 * What a run has done so far, beside its output, so that one that was stopped goes on: kept while the settings, the inputs and
 * the version are the same, removed when the output is finished.
 */
final class WorkFolder {
    private static final String NAME = ".work";
    private static final String PLAN = "plan.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final FileSystem files;
    private final Path folder;
    private final int partitions;

    private WorkFolder(FileSystem files, Path folder, int partitions) {
        this.files = files;
        this.folder = folder;
        this.partitions = partitions;
    }

    /**
     * The work on {@code output}: that of a run that was stopped, or none yet.
     *
     * @param partitions how many parts to plan for; a run that goes on keeps the number that it began with
     */
    static WorkFolder open(OutputFolder output, JsonNode settings, List<Manifest.Input> inputs, int partitions) {
        Path folder = new Path(output.folder(), NAME);
        FileSystem files = output.files();
        ObjectNode plan = JSON.createObjectNode().put("version", Build.version());
        plan.set(
                "settings",
                Manifest.builder("settings").config(settings).build().config());
        plan.set("inputs", JSON.valueToTree(inputs));
        try {
            JsonNode before = read(files, new Path(folder, PLAN));
            if (before instanceof ObjectNode known && known.path("partitions").isInt()) {
                int planned = known.remove("partitions").intValue();
                if (known.equals(JSON.readTree(plan.toString()))) {
                    return new WorkFolder(files, folder, planned);
                }
            }
            files.delete(folder, true);
            files.mkdirs(folder);
            try (OutputStream out = HadoopFiles.create(files, new Path(folder, PLAN))) {
                JSON.writeValue(out, plan.put("partitions", partitions));
            }
            return new WorkFolder(files, folder, partitions);
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    private static JsonNode read(FileSystem files, Path file) {
        try (InputStream in = files.open(file)) {
            return JSON.readTree(in);
        } catch (FileNotFoundException e) {
            return null;
        } catch (IOException e) {
            // Written half: nothing was done behind it.
            return null;
        }
    }

    int partitions() {
        return partitions;
    }

    /** Where a pass keeps its parts. */
    Parts parts(SerializableConfiguration hadoop, int pass) {
        Path parts = new Path(folder, "pass-" + pass);
        try {
            files.mkdirs(parts);
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
        return new Parts(hadoop, parts.toString());
    }

    /** Forgets what a pass has done. */
    void forget(int pass) {
        try {
            files.delete(new Path(folder, "pass-" + pass), true);
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    void remove() {
        try {
            files.delete(folder, true);
        } catch (IOException e) {
            throw unwritable(folder, e);
        }
    }

    private static ResourceException unwritable(Path folder, IOException e) {
        return new ResourceException(
                "The folder " + folder + " cannot be written (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }
}
