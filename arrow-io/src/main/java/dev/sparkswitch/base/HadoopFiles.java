package dev.sparkswitch.base;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import java.util.UUID;
import org.apache.hadoop.fs.ChecksumFileSystem;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** How SparkSwitch sees Hadoop's file systems. */
public final class HadoopFiles {
    private HadoopFiles() {}

    /**
     * The file system without Hadoop's own checksum layer: manifests hold checksums of their own, so {@code .crc} files
     * beside every local file would only be in the way.
     */
    public static FileSystem raw(FileSystem fileSystem) {
        return fileSystem instanceof ChecksumFileSystem checksummed ? checksummed.getRawFileSystem() : fileSystem;
    }

    /** Creates a file, or replaces one of its name. A disk that is full or fails is told by an exception, not by an error. */
    public static FSDataOutputStream create(FileSystem files, Path file) throws IOException {
        return create(files, file, true);
    }

    /** {@link #create}, which fails where there is one. */
    public static FSDataOutputStream createNew(FileSystem files, Path file) throws IOException {
        return create(files, file, false);
    }

    private static FSDataOutputStream create(FileSystem files, Path file, boolean overwrite) throws IOException {
        try {
            return new FSDataOutputStream(new HadoopOutput(files.create(file, overwrite)), null);
        } catch (FSError e) {
            throw ordinary(e);
        }
    }

    /** Hadoop has an error of its own for what the disks of this machine report. */
    public static IOException ordinary(FSError e) {
        return e.getCause() instanceof IOException cause ? cause : new IOException(e.getMessage(), e);
    }

    /** What a file is to hold. */
    @FunctionalInterface
    public interface Content {
        /** Writes all of it; returns the path that the file gets. */
        Path write(OutputStream out) throws IOException;
    }

    /**
     * Writes a file that has its name only once it is whole; one of that name is replaced. What was half written is removed.
     *
     * @param folder where the file is hidden while it is written, on the file system of its name
     */
    public static void replace(FileSystem files, Path folder, Content content) throws IOException {
        Path hidden = new Path(folder, "." + UUID.randomUUID());
        try {
            Path named;
            try (OutputStream out = create(files, hidden)) {
                named = content.write(out);
            }
            files.delete(named, false);
            if (!files.rename(hidden, named)) {
                throw new IOException("renaming " + hidden + " failed");
            }
        } finally {
            files.delete(hidden, false);
        }
    }

    /** Where {@code path} lies on this machine's disks; empty if it lies on another file system. */
    public static Optional<java.nio.file.Path> local(FileSystem fileSystem, Path path) {
        if (!"file".equals(fileSystem.getUri().getScheme())) {
            return Optional.empty();
        }
        return Optional.of(
                java.nio.file.Path.of(fileSystem.makeQualified(path).toUri().getPath()));
    }
}
