package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * What the last attempt of a run took on its first rank: the file {@code costs.json} in the run's folder. It stands beside the
 * manifest because equal work has an equal manifest, on whatever machine.
 *
 * @param ranks ranks that trained
 * @param parameters of the model, over all ranks
 * @param engineBytes memory that the engine held at the end, free blocks included
 * @param startSeconds for making the initial weights, or loading those of a checkpoint
 * @param checkpointSeconds in which checkpoints kept it from training
 */
public record RunCosts(int ranks, long parameters, long engineBytes, double startSeconds, double checkpointSeconds) {
    /** The file's name. */
    public static final String NAME = "costs.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    void write(FileSystem files, Path folder) {
        Path file = new Path(folder, NAME);
        ObjectNode tree = JSON.createObjectNode()
                .put("ranks", ranks)
                .put("parameters", parameters)
                .put("engine-bytes", engineBytes)
                .put("start-seconds", startSeconds)
                .put("checkpoint-seconds", checkpointSeconds);
        try (OutputStream out = HadoopFiles.create(files, file)) {
            out.write(JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(tree));
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot write " + file + " (" + e.getMessage() + "): check the disk's space and your rights.", e);
        }
    }

    /**
     * Reads that of a run on this machine.
     *
     * @throws UserException where it has none
     */
    public static RunCosts read(java.nio.file.Path run) {
        java.nio.file.Path file = run.resolve(NAME);
        try {
            JsonNode tree = JSON.readTree(Files.readAllBytes(file));
            return new RunCosts(
                    tree.path("ranks").asInt(),
                    tree.path("parameters").asLong(),
                    tree.path("engine-bytes").asLong(),
                    tree.path("start-seconds").asDouble(),
                    tree.path("checkpoint-seconds").asDouble());
        } catch (IOException e) {
            throw new UserException(
                    file + " cannot be read (" + e.getMessage() + "): name the folder of a run that has ended.", e);
        }
    }
}
