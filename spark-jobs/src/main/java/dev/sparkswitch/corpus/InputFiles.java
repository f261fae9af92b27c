package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.InputPlan;
import dev.sparkswitch.corpus.input.Sources;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;

/** The raw files that paths and patterns name, with something that changes when their content does. */
public final class InputFiles {
    /** Bytes at both ends of a file that its id covers; the middle of a longer one is known by size and time. */
    private static final int ENDS = 32 << 20;

    private static final PathFilter VISIBLE = path -> {
        String name = path.getName();
        return !name.startsWith(".") && !name.startsWith("_");
    };

    /** Files that are named one by one in a manifest; of more only the folders are. */
    private static final int MOST_NAMED = 1000;
    /** What is read of all files together to tell whether they changed. */
    private static final long MOST_CHECKED = 1L << 30;

    private final List<FileStatus> files;
    private final List<Path> given;
    private final int empty;

    private InputFiles(List<FileStatus> files, List<Path> given, int empty) {
        this.files = files;
        this.given = given;
        this.empty = empty;
    }

    /**
     * The visible files that paths, folders and patterns name, in order of their paths; empty ones are left out.
     *
     * @throws UserException if a path names nothing, or all the files are empty
     */
    public static InputFiles find(Configuration hadoop, List<String> paths) {
        return find(hadoop, paths, "input.paths");
    }

    /** The same for paths that stand in the setting {@code key}. */
    static InputFiles find(Configuration hadoop, List<String> paths, String key) {
        List<FileStatus> files = new ArrayList<>();
        List<Path> given = new ArrayList<>();
        for (String text : paths) {
            if (text.isBlank()) {
                throw new UserException("A path in " + key + " is empty; name a file or folder.");
            }
            Path path = new Path(text);
            FileSystem system = OutputFolder.fileSystem(hadoop, path);
            given.add(system.makeQualified(path));
            try {
                FileStatus[] matches = system.globStatus(path);
                if (matches == null || matches.length == 0) {
                    throw new UserException("The input " + text + " does not exist; correct " + key + ".");
                }
                for (FileStatus match : matches) {
                    collect(system, match, files);
                }
            } catch (IOException e) {
                throw new UserException(
                        "The input " + text + " cannot be read (" + e.getMessage() + "); correct " + key + ".", e);
            }
        }
        int all = files.size();
        files.removeIf(file -> file.getLen() == 0);
        if (files.isEmpty()) {
            throw new UserException("The input " + String.join(", ", paths)
                    + " holds no data: there are no files or all are empty; correct " + key + ".");
        }
        files.sort(Comparator.comparing(FileStatus::getPath));
        return new InputFiles(files, given, all - files.size());
    }

    private static void collect(FileSystem system, FileStatus status, List<FileStatus> into) throws IOException {
        if (!status.isDirectory()) {
            into.add(status);
            return;
        }
        for (FileStatus child : system.listStatus(status.getPath(), VISIBLE)) {
            collect(system, child, into);
        }
    }

    /** Their full paths. */
    public String[] paths() {
        return files.stream().map(file -> file.getPath().toString()).toArray(String[]::new);
    }

    long bytes() {
        return files.stream().mapToLong(FileStatus::getLen).sum();
    }

    /** Each with its name for provenance. */
    List<InputPlan.InputFile> named() {
        Sources sources = sources();
        return files.stream()
                .map(file -> new InputPlan.InputFile(file, sources.name(file.getPath())))
                .toList();
    }

    /** How their names for provenance are made of their paths. */
    Sources sources() {
        return new Sources(given);
    }

    /** Files that were left out because they are empty. */
    int empty() {
        return empty;
    }

    /** How a manifest names them: each, with its content's checksum; of very many, what was given, with their list's. */
    public List<Manifest.Input> asInputs(Configuration hadoop) {
        List<Manifest.Input> inputs = new ArrayList<>();
        if (files.size() > MOST_NAMED) {
            CRC32C list = new CRC32C();
            for (FileStatus file : files) {
                String line = file.getPath() + " " + file.getLen() + " " + file.getModificationTime() + "\n";
                list.update(line.getBytes(StandardCharsets.UTF_8));
            }
            String id = String.format(Locale.ROOT, "%d files crc32c:%08x", files.size(), list.getValue());
            given.forEach(path -> inputs.add(new Manifest.Input("text", path.toString(), id)));
            return inputs;
        }
        int ends = (int) Math.min(ENDS, MOST_CHECKED / 2 / files.size());
        for (FileStatus file : files) {
            FileSystem system = OutputFolder.fileSystem(hadoop, file.getPath());
            inputs.add(new Manifest.Input("text", file.getPath().toString(), id(system, file, ends)));
        }
        return inputs;
    }

    private static String id(FileSystem system, FileStatus file, int ends) {
        CRC32C checksum = new CRC32C();
        boolean whole = file.getLen() <= 2L * ends;
        try (FSDataInputStream in = system.open(file.getPath())) {
            checksum.update(in.readNBytes(whole ? 2 * ends : ends));
            if (!whole) {
                in.seek(file.getLen() - ends);
                checksum.update(in.readNBytes(ends));
            }
        } catch (FileNotFoundException e) {
            throw new UserException("The input " + file.getPath() + " has vanished; restore it and run again.", e);
        } catch (IOException e) {
            throw new UserException(
                    "The input " + file.getPath() + " cannot be read (" + e.getMessage() + "); check your rights.", e);
        }
        String id =
                String.format("%s %d bytes crc32c:%08x", file.getPath().getName(), file.getLen(), checksum.getValue());
        return whole ? id : id + " changed " + file.getModificationTime();
    }
}
