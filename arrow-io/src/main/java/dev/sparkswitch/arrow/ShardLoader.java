package dev.sparkswitch.arrow;

import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.BitSet;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Brings shards to this machine and opens them, each verified once. Safe for use by several threads. */
final class ShardLoader {
    private static final int ATTEMPTS = 3;

    private final FileSystem fileSystem;
    private final Path folder;
    private final Manifest manifest;
    private final ShardLayout layout;
    private final ShardCache cache;
    private final Checks checks;
    private final BitSet verified = new BitSet();

    ShardLoader(FileSystem fileSystem, Path folder, Manifest manifest, ShardCache cache, Checks checks) {
        this.fileSystem = HadoopFiles.raw(fileSystem);
        this.folder = folder;
        this.manifest = manifest;
        this.layout = ShardLayout.of(manifest);
        this.cache = cache;
        this.checks = checks;
    }

    ShardLayout layout() {
        return layout;
    }

    /**
     * Opens a shard, copying it first if it is remote.
     *
     * @param firstRow the global id of its first row
     * @throws dev.sparkswitch.base.UserException if it is damaged or missing
     * @throws ResourceException if it cannot be read or copied
     */
    MappedShard load(int shard, long firstRow) {
        Manifest.Entry entry = manifest.files().get(shard);
        Path path = new Path(folder, entry.path());
        Checks needed = isVerified(shard) ? Checks.SIZES : checks;
        Optional<java.nio.file.Path> local = HadoopFiles.local(fileSystem, path);
        try {
            MappedShard mapped = local.isPresent()
                    ? MappedShard.open(local.get(), entry, layout, firstRow, needed)
                    : loadRemote(path, entry, firstRow, needed);
            setVerified(shard);
            return mapped;
        } catch (DamagedShardException e) {
            throw Manifests.damaged(path, e.getMessage(), manifest.kind());
        } catch (NoSuchFileException | FileNotFoundException e) {
            throw Manifests.damaged(path, "it is missing", manifest.kind());
        } catch (IOException e) {
            throw cannotRead(path, e);
        }
    }

    /** Another process may remove a copy between its making and its opening, and an old copy may be damaged. */
    private MappedShard loadRemote(Path path, Manifest.Entry entry, long firstRow, Checks needed)
            throws IOException, DamagedShardException {
        for (int attempt = 1; ; attempt++) {
            java.nio.file.Path copy = cache.fetch(fileSystem, path, manifest, entry);
            try {
                return MappedShard.open(copy, entry, layout, firstRow, needed);
            } catch (NoSuchFileException | DamagedShardException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                Files.deleteIfExists(copy);
            }
        }
    }

    ResourceException cannotRead(Path path, IOException cause) {
        return new ResourceException(
                "Cannot read shard " + path + " (" + cause.getMessage() + "): check the path and your rights.", cause);
    }

    Path path(int shard) {
        return new Path(folder, manifest.files().get(shard).path());
    }

    private synchronized boolean isVerified(int shard) {
        return verified.get(shard);
    }

    private synchronized void setVerified(int shard) {
        verified.set(shard);
    }
}
