package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
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

    private final List<FileStatus> files;

    private InputFiles(List<FileStatus> files) {
        this.files = files;
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
        for (String text : paths) {
            if (text.isBlank()) {
                throw new UserException("A path in " + key + " is empty; name a file or folder.");
            }
            Path path = new Path(text);
            FileSystem system = OutputFolder.fileSystem(hadoop, path);
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
        files.removeIf(file -> file.getLen() == 0);
        if (files.isEmpty()) {
            throw new UserException("The input " + String.join(", ", paths)
                    + " holds no data: there are no files or all are empty; correct " + key + ".");
        }
        files.sort(Comparator.comparing(FileStatus::getPath));
        return new InputFiles(files);
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

    /** How a manifest names them. */
    public List<Manifest.Input> asInputs(Configuration hadoop) {
        List<Manifest.Input> inputs = new ArrayList<>();
        for (FileStatus file : files) {
            inputs.add(new Manifest.Input(
                    "text", file.getPath().toString(), id(OutputFolder.fileSystem(hadoop, file.getPath()), file)));
        }
        return inputs;
    }

    private static String id(FileSystem system, FileStatus file) {
        CRC32C checksum = new CRC32C();
        boolean whole = file.getLen() <= 2L * ENDS;
        try (FSDataInputStream in = system.open(file.getPath())) {
            checksum.update(in.readNBytes(whole ? 2 * ENDS : ENDS));
            if (!whole) {
                in.seek(file.getLen() - ENDS);
                checksum.update(in.readNBytes(ENDS));
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
