package dev.sparkswitch.base;

import java.util.Optional;
import org.apache.hadoop.fs.ChecksumFileSystem;
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

    /** Where {@code path} lies on this machine's disks; empty if it lies on another file system. */
    public static Optional<java.nio.file.Path> local(FileSystem fileSystem, Path path) {
        if (!"file".equals(fileSystem.getUri().getScheme())) {
            return Optional.empty();
        }
        return Optional.of(
                java.nio.file.Path.of(fileSystem.makeQualified(path).toUri().getPath()));
    }
}
