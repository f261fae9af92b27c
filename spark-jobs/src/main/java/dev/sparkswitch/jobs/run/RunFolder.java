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
 * The folder of work that may be stopped and gone on with: {@code run.json} says from the start which work it is, the manifest
 * at the end that it is finished. Work with other settings or inputs never goes on in it.
 */
final class RunFolder {
    private static final String NOTE = "run.json";
    private static final String FRESH = ".run.json.new";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * What a folder holds.
     *
     * @param manifest the kind of its manifest
     * @param noun what a person calls it
     * @param free settings that do not change what comes out: the same work goes on under other ones
     */
    record Work(String manifest, String noun, List<String> free) {
        /** The training of a model. */
        static final Work TRAINING =
                new Work(TrainingRun.KIND, "run", List.of("output", "shards", "vocabulary", "cluster", "engine"));

        /** The noun with its article. */
        String article() {
            return ("aeiou".indexOf(noun.charAt(0)) < 0 ? "a " : "an ") + noun;
        }
    }

    private final FileSystem files;
    private final Path path;
    private final Work work;
    private final ObjectNode config;
    private final List<Manifest.Input> inputs;

    private RunFolder(FileSystem files, Path path, Work work, ObjectNode config, List<Manifest.Input> inputs) {
        this.files = files;
        this.path = path;
        this.work = work;
        this.config = config;
        this.inputs = inputs;
    }

    static RunFolder open(Configuration hadoop, TrainingRun.Task task) {
        requireOurs(hadoop, task.folder(), Work.TRAINING);
        List<Manifest.Input> inputs = new ArrayList<>(task.inputs());
        Path training = new Path(task.training());
        try {
            inputs.add(Manifests.require(training.getFileSystem(hadoop), training, Manifest.SHARDS)
                    .asInput("shards", task.training()));
        } catch (IOException e) {
            throw unusable(new Path(task.folder()), e);
        }
        return open(hadoop, task.folder(), Work.TRAINING, task.config(), inputs);
    }

    static RunFolder open(
            Configuration hadoop, String folder, Work work, ObjectNode config, List<Manifest.Input> inputs) {
        Path path = new Path(folder);
        try {
            FileSystem files = path.getFileSystem(hadoop);
            requireOurs(hadoop, folder, work);
            return new RunFolder(HadoopFiles.raw(files), files.makeQualified(path), work, config, inputs);
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    /**
     * Refuses a folder that holds anything but such work.
     *
     * @throws UserException naming what it holds
     */
    static void requireOurs(Configuration hadoop, String folder, Work work) {
        Path path = new Path(folder);
        try {
            FileSystem files = HadoopFiles.raw(path.getFileSystem(hadoop));
            Optional<Manifest> found = Manifests.find(files, path);
            if (found.isPresent() && !found.get().kind().equals(work.manifest())) {
                throw taken(path, "holds a '" + found.get().kind() + "'");
            }
            if (found.isPresent() || files.exists(new Path(path, NOTE)) || !files.exists(path)) {
                return;
            }
            for (FileStatus status : files.listStatus(path)) {
                if (!status.getPath().getName().equals(FRESH)) {
                    throw taken(path, "holds " + status.getPath().getName() + " but no " + work.noun());
                }
            }
        } catch (IOException e) {
            throw unusable(path, e);
        }
    }

    Path path() {
        return path;
    }

    FileSystem files() {
        return files;
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
            try (OutputStream out = HadoopFiles.create(files, fresh)) {
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
                    "holds " + work.article() + " with other settings (" + differences.get(0)
                            + (differences.size() > 1 ? " and " + (differences.size() - 1) + " more" : "") + ")");
        }
        if (!otherIds.equals(ids(inputs))) {
            throw taken(path, "holds " + work.article() + " on other data");
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
    private JsonNode comparable(JsonNode settings) {
        try {
            JsonNode copy = JSON.readTree(JSON.writeValueAsBytes(settings));
            if (copy instanceof ObjectNode object) {
                object.remove(work.free());
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
                "The folder " + path + " cannot be used (" + e.getMessage()
                        + "): check the path, the disk's space and your rights.",
                e);
    }
}
