package dev.sparkswitch.base;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.UUID;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Reads, writes and checks the manifest of a folder.
 *
 * <p>Writing it is the commit of the folder's content, so it comes last and at once: the text goes to a hidden file in the
 * same folder, which then takes the name {@value #NAME}, and only if no other has it. That is exclusive on local disks
 * and on HDFS; where renaming is a copy (object stores) the manifest still appears whole, but of two writers within the
 * same moment the later one may win. Folders are never renamed.
 */
public final class Manifests {
    /** The manifest's file name. */
    public static final String NAME = "manifest.json";

    private static final long LARGEST = 256L << 20;
    private static final Map<String, String> MAKERS = Map.of(
            Manifest.CORPUS, "prepare",
            Manifest.VOCABULARY, "vocab",
            Manifest.SHARDS, "batch",
            Manifest.CHECKPOINT, "pretrain",
            Manifest.MODEL, "convert");

    private Manifests() {}

    /**
     * Commits a folder whose files are all written.
     *
     * @throws UserException if the folder has a manifest already
     * @throws ResourceException if it cannot be written
     */
    public static void write(FileSystem fileSystem, Path folder, Manifest manifest) {
        FileSystem files = HadoopFiles.raw(fileSystem);
        Path target = new Path(folder, NAME);
        Path hidden = new Path(folder, "." + NAME + "." + UUID.randomUUID());
        try {
            files.mkdirs(folder);
            try {
                try (ChecksumOutputStream out = new ChecksumOutputStream(HadoopFiles.createNew(files, hidden))) {
                    out.write(ManifestJson.write(manifest));
                    out.sync();
                }
                if (!publish(files, hidden, target)) {
                    throw new UserException("Folder " + folder + " already holds a finished result (" + NAME
                            + "): give another output folder, or remove this one first.");
                }
            } finally {
                files.delete(hidden, false);
            }
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot write " + target + " (" + e.getMessage() + "): check the disk's space and your rights.", e);
        }
    }

    /** Gives {@code hidden} the name {@code target}; false if that name is taken. */
    private static boolean publish(FileSystem files, Path hidden, Path target) throws IOException {
        Optional<java.nio.file.Path> local = HadoopFiles.local(files, target);
        if (local.isPresent()) {
            return publishLocal(HadoopFiles.local(files, hidden).orElseThrow(), local.get());
        }
        try {
            if (files.rename(hidden, target)) {
                return true;
            }
        } catch (FileAlreadyExistsException e) {
            return false;
        }
        if (files.exists(target)) {
            return false;
        }
        throw new IOException("renaming " + hidden + " failed");
    }

    private static boolean publishLocal(java.nio.file.Path hidden, java.nio.file.Path target) throws IOException {
        try {
            // A second hard link is the one operation of a local disk that is atomic and never replaces.
            Files.createLink(target, hidden);
            return true;
        } catch (java.nio.file.FileAlreadyExistsException e) {
            return false;
        } catch (UnsupportedOperationException | FileSystemException e) {
            if (Files.exists(target)) {
                return false;
            }
            Files.move(hidden, target, StandardCopyOption.ATOMIC_MOVE);
            return true;
        }
    }

    /**
     * The folder's manifest; empty if the folder is missing or unfinished.
     *
     * @throws UserException if the manifest is damaged
     */
    public static Optional<Manifest> find(FileSystem fileSystem, Path folder) {
        FileSystem files = HadoopFiles.raw(fileSystem);
        Path file = new Path(folder, NAME);
        try {
            FileStatus status = files.getFileStatus(file);
            if (status.getLen() > LARGEST) {
                throw new UserException(file + " has " + status.getLen()
                        + " bytes and is no manifest: remove it and make" + " the folder again.");
            }
            byte[] json = new byte[(int) status.getLen()];
            try (InputStream in = files.open(file)) {
                int count = in.readNBytes(json, 0, json.length);
                if (count < json.length) {
                    throw new IOException("it ended after " + count + " of " + json.length + " bytes");
                }
            }
            return Optional.of(ManifestJson.read(json, file.toString()));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + file + " (" + e.getMessage() + "): check the path and your rights.", e);
        }
    }

    /**
     * The folder's manifest, which must be there and of the given kind.
     *
     * @throws UserException if it is missing, damaged or of another kind; the message names the command that makes it
     */
    public static Manifest require(FileSystem fileSystem, Path folder, String kind) {
        Optional<Manifest> found = find(fileSystem, folder);
        if (found.isEmpty()) {
            throw new UserException("Folder " + folder + " is missing or unfinished (it has no " + NAME
                    + ", so it is no '" + kind + "'): " + remedy(kind) + ", or correct the path.");
        }
        if (!found.get().kind().equals(kind)) {
            throw new UserException(
                    "Folder " + folder + " holds a '" + found.get().kind() + "' where a '" + kind
                            + "' is needed: correct the path, or " + remedy(kind) + ".");
        }
        return found.get();
    }

    /**
     * Compares every file of the folder with its manifest, several at a time.
     *
     * @throws UserException naming the first file that is missing, cut short or changed
     */
    public static void verify(FileSystem fileSystem, Path folder, Manifest manifest) {
        FileSystem files = HadoopFiles.raw(fileSystem);
        List<Optional<SparkSwitchException>> found = manifest.files().parallelStream()
                .map(entry -> problem(files, new Path(folder, entry.path()), entry, manifest))
                .toList();
        for (Optional<SparkSwitchException> problem : found) {
            if (problem.isPresent()) {
                throw problem.get();
            }
        }
    }

    private static Optional<SparkSwitchException> problem(
            FileSystem files, Path file, Manifest.Entry entry, Manifest manifest) {
        try {
            requireSize(file, files.getFileStatus(file).getLen(), entry, manifest);
            String checksum = Checksums.of(files, file);
            return checksum.equals(entry.checksum())
                    ? Optional.empty()
                    : Optional.of(damaged(
                            file, "its checksum is " + checksum + " instead of " + entry.checksum(), manifest.kind()));
        } catch (UserException e) {
            return Optional.of(e);
        } catch (FileNotFoundException e) {
            return Optional.of(damaged(file, "it is missing", manifest.kind()));
        } catch (IOException e) {
            return Optional.of(
                    new ResourceException("Cannot read " + file + " (" + e.getMessage() + "): check the path.", e));
        }
    }

    /**
     * Compares the names and sizes of the folder's files with its manifest; reads no file, and lists each folder once.
     *
     * @throws UserException naming the first file that is missing or cut short
     */
    public static void verifySizes(FileSystem fileSystem, Path folder, Manifest manifest) {
        FileSystem files = HadoopFiles.raw(fileSystem);
        Map<Path, Map<String, Long>> listed = new HashMap<>();
        for (Manifest.Entry entry : manifest.files()) {
            Path file = new Path(folder, entry.path());
            Long bytes = listed.computeIfAbsent(file.getParent(), parent -> sizes(files, parent))
                    .get(file.getName());
            if (bytes == null) {
                throw damaged(file, "it is missing", manifest.kind());
            }
            requireSize(file, bytes, entry, manifest);
        }
    }

    private static Map<String, Long> sizes(FileSystem files, Path folder) {
        Map<String, Long> sizes = new HashMap<>();
        try {
            for (FileStatus status : files.listStatus(folder)) {
                sizes.put(status.getPath().getName(), status.getLen());
            }
        } catch (FileNotFoundException e) {
            return Map.of();
        } catch (IOException e) {
            throw new ResourceException("Cannot read " + folder + " (" + e.getMessage() + "): check the path.", e);
        }
        return sizes;
    }

    private static void requireSize(Path file, long bytes, Manifest.Entry entry, Manifest manifest) {
        if (bytes != entry.bytes()) {
            throw damaged(file, "it has " + bytes + " bytes instead of " + entry.bytes(), manifest.kind());
        }
    }

    /** The error for a file that is not what its manifest says. */
    public static UserException damaged(Path file, String problem, String kind) {
        return new UserException("File " + file + " is damaged: " + problem + "; restore it from a copy, or remove its"
                + " folder and " + remedy(kind) + ".");
    }

    /** The manifest's line on a file that is already written, at {@code path} below {@code folder}. */
    public static Manifest.Entry entry(
            FileSystem fileSystem, Path folder, String path, SortedMap<String, Long> counts) {
        Path file = new Path(folder, path);
        try {
            long bytes = HadoopFiles.raw(fileSystem).getFileStatus(file).getLen();
            return new Manifest.Entry(path, bytes, Checksums.of(fileSystem, file), counts);
        } catch (IOException e) {
            throw new ResourceException("Cannot read " + file + " (" + e.getMessage() + "): check the path.", e);
        }
    }

    /** Takes the manifest away, so that nobody takes the folder for finished while its files are made anew. */
    public static void remove(FileSystem fileSystem, Path folder) {
        Path file = new Path(folder, NAME);
        try {
            HadoopFiles.raw(fileSystem).delete(file, false);
        } catch (IOException e) {
            throw new ResourceException("Cannot remove " + file + " (" + e.getMessage() + "): check your rights.", e);
        }
    }

    private static String remedy(String kind) {
        String maker = MAKERS.get(kind);
        return maker == null ? "run the command that makes it" : "run 'sparkswitch " + maker + "' to make it";
    }
}
