package dev.sparkswitch.collective;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The place of a socket in the host's file system, in a folder of its own that nobody but this user may enter. Bytes between
 * processes of one host take half of the processor's time by it that they take by TCP. Who connects has to prove the run's
 * secret all the same.
 */
final class SocketFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SocketFile.class);
    /** Longer paths are none to any system's sockets. */
    private static final int MOST_BYTES = 100;

    private final Path folder;

    private SocketFile(Path folder) {
        this.folder = folder;
    }

    /** A fresh place; empty where the folder for temporary files does not do, and TCP has to. */
    static Optional<SocketFile> create() {
        try {
            // Such a folder is its owner's alone.
            SocketFile file = new SocketFile(Files.createTempDirectory("sparkswitch"));
            if (file.path().toString().length() <= MOST_BYTES) {
                return Optional.of(file);
            }
            LOG.debug("{} is too long a path for a socket", file.path());
            file.close();
        } catch (IOException | UnsupportedOperationException e) {
            LOG.debug("there is no folder for a socket", e);
        }
        return Optional.empty();
    }

    Path path() {
        return folder.resolve("rank");
    }

    SocketAddress address() {
        return UnixDomainSocketAddress.of(path());
    }

    /**
     * The socket by which a rank of this host is reached: one that gives the host's own address, and a file that is there. Ranks in
     * containers or namespaces of one machine have neither in common, or not both.
     */
    static Optional<SocketAddress> near(RankAddress address, String ownHost) {
        return address.file()
                .filter(file -> address.host().equals(ownHost) && Files.exists(file))
                .map(UnixDomainSocketAddress::of);
    }

    /** Removes the file and its folder; connections stay. */
    @Override
    public void close() {
        try {
            Files.deleteIfExists(path());
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            LOG.debug("{} stays", folder, e);
        }
    }
}
