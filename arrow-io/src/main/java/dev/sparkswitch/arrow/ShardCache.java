package dev.sparkswitch.arrow;

import dev.sparkswitch.base.ChecksumOutputStream;
import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;

/**
 * Local copies of remote shards, named by checksum in a folder for each box. Processes of one machine may share a cache:
 * a copy appears whole or not at all, and the least recently used ones are removed when the limit is reached.
 */
public final class ShardCache {
    private static final String SUFFIX = ".arrow";
    private static final int BUFFER = 1 << 17;

    private record Copy(Path file, long bytes, FileTime used) {}

    private final Path folder;
    private final DataSize limit;

    /**
     * A cache.
     *
     * @param folder on a local disk; made when needed
     * @param limit what its files may take together
     */
    public ShardCache(Path folder, DataSize limit) {
        this.folder = folder;
        this.limit = limit;
    }

    /** A cache of 64 GiB in the folder for temporary files. */
    public static ShardCache temporary() {
        Path folder =
                Path.of(System.getProperty("java.io.tmpdir"), "sparkswitch-shards-" + System.getProperty("user.name"));
        return new ShardCache(folder, new DataSize(64L << 30));
    }

    /** Where the copy of a shard lies or would lie. */
    Path place(Manifest manifest, Manifest.Entry entry) {
        String box = manifest.id().replaceFirst("^sha256:", "").substring(0, 32);
        return folder.resolve(box)
                .resolve(entry.checksum().replace(':', '-') + "-" + entry.path().replace('/', '-') + SUFFIX);
    }

    /**
     * Copies a shard, unless a copy of its size is there. What was copied has the manifest's checksum.
     *
     * @throws DamagedShardException if what was copied has not
     * @throws ResourceException if the local disk or the limit is too small
     */
    Path fetch(FileSystem fileSystem, org.apache.hadoop.fs.Path remote, Manifest manifest, Manifest.Entry entry)
            throws IOException, DamagedShardException {
        Path place = place(manifest, entry);
        if (isThere(place, entry.bytes())) {
            return place;
        }
        if (entry.bytes() > limit.bytes()) {
            throw new ResourceException("Shard " + remote + " has " + entry.bytes() + " bytes, more than the " + limit
                    + " that the cache " + folder + " may take: raise its limit.");
        }
        makeRoom(entry.bytes());
        Files.createDirectories(place.getParent());
        Path partial = place.resolveSibling("." + UUID.randomUUID());
        try {
            copy(fileSystem, remote, partial, entry);
            Files.move(partial, place, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
        // Others may have copied meanwhile.
        makeRoom(0);
        return place;
    }

    /** Whether a copy is there; it then counts as used. Another process may remove it at any moment. */
    private static boolean isThere(Path place, long bytes) throws IOException {
        try {
            if (Files.size(place) != bytes) {
                return false;
            }
            Files.setLastModifiedTime(place, FileTime.fromMillis(System.currentTimeMillis()));
            return true;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private void copy(FileSystem fileSystem, org.apache.hadoop.fs.Path remote, Path partial, Manifest.Entry entry)
            throws IOException, DamagedShardException {
        try (InputStream in = fileSystem.open(remote);
                ChecksumOutputStream out = new ChecksumOutputStream(Files.newOutputStream(partial))) {
            byte[] buffer = new byte[BUFFER];
            // One byte more than expected is enough to know that the file is not the one of the manifest.
            while (out.bytes() <= entry.bytes()) {
                int count = in.read(buffer);
                if (count < 0) {
                    break;
                }
                write(out, buffer, count, remote);
            }
            if (out.bytes() != entry.bytes()) {
                String found = out.bytes() > entry.bytes() ? "more" : Long.toString(out.bytes());
                throw new DamagedShardException("it has " + found + " bytes instead of " + entry.bytes());
            }
            if (!out.checksum().equals(entry.checksum())) {
                throw new DamagedShardException(
                        "its checksum is " + out.checksum() + " instead of " + entry.checksum());
            }
        }
    }

    private void write(ChecksumOutputStream out, byte[] buffer, int count, org.apache.hadoop.fs.Path remote) {
        try {
            out.write(buffer, 0, count);
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot copy shard " + remote + " to the cache " + folder + " (" + e.getMessage()
                            + "): make room on its disk or choose another folder.",
                    e);
        }
    }

    /** Removes the least recently used copies until {@code bytes} more fit. */
    private void makeRoom(long bytes) throws IOException {
        List<Copy> copies = copies();
        copies.sort(Comparator.comparing(Copy::used));
        long taken = bytes;
        for (Copy copy : copies) {
            taken += copy.bytes;
        }
        for (int i = 0; i < copies.size() && taken > limit.bytes(); i++) {
            // Whoever has it open keeps reading it; the disk's space comes back afterwards.
            Files.deleteIfExists(copies.get(i).file);
            taken -= copies.get(i).bytes;
        }
    }

    private List<Copy> copies() throws IOException {
        while (true) {
            try {
                return look();
            } catch (UncheckedIOException e) {
                // What others move or remove while the folder is walked is no fault: look again.
                if (!(e.getCause() instanceof NoSuchFileException)) {
                    throw e.getCause();
                }
            }
        }
    }

    private List<Copy> look() throws IOException {
        List<Copy> copies = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return copies;
        }
        try (Stream<Path> files = Files.walk(folder, 2)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                if (file.toString().endsWith(SUFFIX)) {
                    try {
                        copies.add(new Copy(file, Files.size(file), Files.getLastModifiedTime(file)));
                    } catch (NoSuchFileException e) {
                        continue;
                    }
                }
            }
        }
        return copies;
    }
}
