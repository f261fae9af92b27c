package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The folder of a run: {@code run.json} says from the start which run it is, the manifest at the end that it is finished. A
 * run with other settings or inputs never goes on in it.
 */
final class RunFolder {
    private static final String NOTE = "run.json";
    private static final String FRESH = ".run.json.new";
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Settings that do not change what is trained: the same run goes on under other ones. */
    private static final List<String> FREE = List.of("output", "shards", "vocabulary", "cluster", "engine");

    private final FileSystem files;
    private final Path path;
    private final ObjectNode config;
    private final List<Manifest.Input> inputs;

    private RunFolder(FileSystem files, Path path, ObjectNode config, List<Manifest.Input> inputs) {
        this.files = files;
        this.path = path;
        this.config = config;
        this.inputs = inputs;
    }

    static RunFolder open(Configuration hadoop, TrainingRun.Task task) {
        Path path = new Path(task.folder());
        try {
            FileSystem files = path.getFileSystem(hadoop);
            requireOurs(hadoop, task.folder());
            List<Manifest.Input> inputs = new ArrayList<>(task.inputs());
            Path training = new Path(task.training());
            inputs.add(Manifests.require(training.getFileSystem(hadoop), training, Manifest.SHARDS)
                    .asInput("shards", task.training()));
            return new RunFolder(HadoopFiles.raw(files), files.makeQualified(path), task.config(), inputs);
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    /**
     * Refuses a folder that holds anything but a run.
     *
     * @throws UserException naming what it holds
     */
    static void requireOurs(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        try {
            FileSystem files = HadoopFiles.raw(path.getFileSystem(hadoop));
            Optional<Manifest> found = Manifests.find(files, path);
            if (found.isPresent() && !found.get().kind().equals(TrainingRun.KIND)) {
                throw taken(path, "holds a '" + found.get().kind() + "'");
            }
            if (found.isPresent() || files.exists(new Path(path, NOTE)) || !files.exists(path)) {
                return;
            }
            for (FileStatus status : files.listStatus(path)) {
                if (!status.getPath().getName().equals(FRESH)) {
                    throw taken(path, "holds " + status.getPath().getName() + " but no run");
                }
            }
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    Path path() {
        return path;
    }

    List<Manifest.Input> inputs() {
        return inputs;
    }

    /**
     * The manifest of this run where it is finished.
     *
     * @throws UserException where the folder holds another run
     */
    Optional<Manifest> finished() {
        Optional<Manifest> found = Manifests.find(files, path);
        found.ifPresent(manifest -> requireSame(manifest.config(), ids(manifest.inputs())));
        return found;
    }

    /** Takes the folder for this run, or goes on with it. */
    void begin() {
        Path note = new Path(path, NOTE);
        try {
            if (files.exists(note)) {
                try (InputStream in = files.open(note)) {
                    JsonNode written = JSON.readTree(in);
                    List<String> ids = new ArrayList<>();
                    written.path("inputs").forEach(id -> ids.add(id.asText()));
                    requireSame(written.path("config"), ids);
                } catch (JsonProcessingException e) {
                    throw taken(path, "holds a " + NOTE + " that is no JSON (" + e.getOriginalMessage() + ")");
                }
                return;
            }
            ObjectNode tree = JSON.createObjectNode();
            tree.set("config", config);
            ids(inputs).forEach(tree.putArray("inputs")::add);
            files.mkdirs(path);
            Path fresh = new Path(path, FRESH);
            try (OutputStream out = files.create(fresh, true)) {
                out.write(JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(tree));
            }
            if (!files.rename(fresh, note)) {
                throw new IOException("renaming " + fresh + " failed");
            }
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    /** Marks the run as finished. */
    Manifest commit(Manifest manifest) {
        Manifests.write(files, path, manifest);
        return manifest;
    }

    private void requireSame(JsonNode otherConfig, List<String> otherIds) {
        List<String> differences = new ArrayList<>();
        compare("", comparable(otherConfig), comparable(config), differences);
        if (!differences.isEmpty()) {
            throw taken(
                    path,
                    "holds a run with other settings (" + differences.get(0)
                            + (differences.size() > 1 ? " and " + (differences.size() - 1) + " more" : "") + ")");
        }
        if (!otherIds.equals(ids(inputs))) {
            throw taken(path, "holds a run on other data");
        }
    }

    private static void compare(String key, JsonNode there, JsonNode here, List<String> differences) {
        if (there.isObject() && here.isObject()) {
            Set<String> names = new TreeSet<>();
            there.fieldNames().forEachRemaining(names::add);
            here.fieldNames().forEachRemaining(names::add);
            for (String name : names) {
                compare(key.isEmpty() ? name : key + "." + name, there.path(name), here.path(name), differences);
            }
        } else if (!there.equals(here)) {
            differences.add(key + " is " + shown(there) + " there and " + shown(here) + " here");
        }
    }

    private static String shown(JsonNode value) {
        return value.isMissingNode() ? "missing" : value.toString();
    }

    private static List<String> ids(List<Manifest.Input> inputs) {
        return inputs.stream()
                .map(input -> input.name() + " " + input.id())
                .sorted()
                .toList();
    }

    /** The settings that matter, in the form that a file gives them. */
    private static JsonNode comparable(JsonNode settings) {
        try {
            JsonNode copy = JSON.readTree(JSON.writeValueAsBytes(settings));
            if (copy instanceof ObjectNode object) {
                object.remove(FREE);
            }
            return copy;
        } catch (IOException e) {
            throw new IllegalStateException("settings that were read once cannot be read again", e);
        }
    }

    private static UserException taken(Path path, String what) {
        return new UserException("The folder " + path + " " + what + ": name another output, or remove the folder.");
    }

    private static ResourceException unusable(Path path, IOException e) {
        return new ResourceException(
                "The run's folder " + path + " cannot be used (" + e.getMessage()
                        + "): check the path, the disk's space and your rights.",
                e);
    }
}
