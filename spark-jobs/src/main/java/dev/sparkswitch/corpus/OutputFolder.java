package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Build;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The folder that a job makes. Files go to {@code data/} while the mark {@code .incomplete} lies beside it; the manifest
 * comes last. What a killed run left is recognized by the mark and made anew; anything else is never touched.
 */
public final class OutputFolder {
    private static final String MARK = ".incomplete";
    static final String DATA = "data";
    private static final String WORK = "work";
    /** Settings that say where something lies, not what is in it. */
    private static final List<String> LOCATIONS = List.of("output", "corpus", "vocabulary", "from");

    private final FileSystem files;
    private final Path folder;
    private final Path data;

    /** The folder, which need not be there yet. */
    public OutputFolder(Configuration hadoop, Path folder) {
        this(hadoop, folder, DATA);
    }

    private OutputFolder(Configuration hadoop, Path folder, String data) {
        this.files = fileSystem(hadoop, folder);
        this.folder = files.makeQualified(folder);
        this.data = data.isEmpty() ? this.folder : new Path(this.folder, data);
    }

    /** A folder whose files lie in it and not below {@code data/}, since others prescribe where. */
    public static OutputFolder flat(Configuration hadoop, Path folder) {
        return new OutputFolder(hadoop, folder, "");
    }

    static FileSystem fileSystem(Configuration hadoop, Path path) {
        try {
            return path.getFileSystem(hadoop);
        } catch (IOException | IllegalArgumentException e) {
            throw new UserException(
                    "The path " + path + " cannot be opened (" + e.getMessage() + "); correct it in the settings.", e);
        }
    }

    /** Its full path. */
    public Path folder() {
        return folder;
    }

    /** Where the files go. */
    public Path data() {
        return data;
    }

    /** The file system that it is on. */
    public FileSystem files() {
        return files;
    }

    /**
     * The finished result of an earlier run with the same settings and inputs.
     *
     * @throws UserException if another result is in the folder
     */
    public Optional<JobResult> finished(String kind, JsonNode settings, List<Manifest.Input> inputs) {
        Optional<Manifest> found = Manifests.find(files, folder);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Manifest manifest = found.get();
        if (!manifest.kind().equals(kind)) {
            throw taken("a '" + manifest.kind() + "'");
        }
        if (!comparable(manifest.config()).equals(comparable(settings))) {
            throw taken("a '" + kind + "' made with other settings");
        }
        if (!ids(manifest.inputs()).equals(ids(inputs))) {
            throw taken("a '" + kind + "' made from other inputs");
        }
        return Optional.of(new JobResult(folder, manifest, true));
    }

    private UserException taken(String content) {
        return new UserException(
                "The output folder " + folder + " already holds " + content + "; name another one or remove it.");
    }

    private static List<String> ids(List<Manifest.Input> inputs) {
        return inputs.stream()
                .map(input -> input.name() + " " + input.id())
                .sorted()
                .toList();
    }

    /** Identifies work by its settings, its inputs and this version: what {@link #resume} goes on with. */
    static String identity(String kind, JsonNode settings, List<Manifest.Input> inputs) {
        return String.join(
                "\n",
                kind,
                Build.version(),
                comparable(settings).toString(),
                ids(inputs).toString());
    }

    /** Settings without locations, and in the form that a manifest read from a file has. */
    private static JsonNode comparable(JsonNode settings) {
        JsonNode copy =
                Manifest.builder("settings").config(settings).build().config().deepCopy();
        if (copy instanceof ObjectNode object) {
            object.remove(LOCATIONS);
        }
        return copy;
    }

    /**
     * Takes the folder for this run, which is to write below {@link #data()}.
     *
     * @throws UserException if it holds something that is not ours
     */
    public void begin() {
        try {
            Path mark = new Path(folder, MARK);
            if (files.exists(mark)) {
                clear(mark);
            } else if (files.exists(folder)) {
                for (FileStatus status : files.listStatus(folder)) {
                    throw new UserException("The output folder " + folder + " holds "
                            + status.getPath().getName() + " but no manifest; name an empty or a new folder.");
                }
            }
            files.mkdirs(data);
            HadoopFiles.create(files, mark).close();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /**
     * Takes the folder for this run, which goes on with what a stopped run of the same work left: its files below
     * {@link #data()} and {@link #work()} stay. What other work left is removed.
     *
     * @param identity tells the work from all other
     * @throws UserException if it holds something that is not ours
     */
    void resume(String identity) {
        Path mark = new Path(folder, MARK);
        try {
            if (files.exists(mark)) {
                try (InputStream in = files.open(mark)) {
                    if (new String(in.readAllBytes(), StandardCharsets.UTF_8).equals(identity)) {
                        return;
                    }
                }
            }
            begin();
            files.mkdirs(work());
            try (OutputStream out = HadoopFiles.create(files, mark)) {
                out.write(identity.getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /** Where a run keeps what it needs until it is finished. */
    Path work() {
        return new Path(folder, WORK);
    }

    private void clear(Path mark) throws IOException {
        if (!data.equals(folder)) {
            files.delete(data, true);
            files.delete(work(), true);
            return;
        }
        for (FileStatus status : files.listStatus(folder)) {
            if (!status.getPath().getName().equals(mark.getName())) {
                files.delete(status.getPath(), true);
            }
        }
    }

    /** Makes the folder a finished result. */
    public JobResult commit(Manifest manifest) {
        Manifests.write(files, folder, manifest);
        try {
            files.delete(work(), true);
            files.delete(new Path(folder, MARK), false);
        } catch (IOException e) {
            throw unwritable(e);
        }
        return new JobResult(folder, manifest, false);
    }

    private ResourceException unwritable(IOException e) {
        return new ResourceException(
                "The output folder " + folder + " cannot be written (" + e.getMessage()
                        + "); check the disk's space and your rights.",
                e);
    }
}
