package dev.sparkswitch.collective;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a rank listens.
 *
 * @param host a host name or address; an IPv6 address without brackets
 * @param port the port
 * @param file the socket in the host's file system by which ranks of the same host reach it too
 */
record RankAddress(String host, int port, Optional<Path> file) {
    private static final char FILE = '@';

    /**
     * Parses {@code host:port} or {@code host:port@file}; the last colon before the file divides, so that IPv6 addresses need no
     * brackets.
     */
    static RankAddress parse(String text) {
        int at = text.indexOf(FILE);
        String place = at < 0 ? text : text.substring(0, at);
        int colon = place.lastIndexOf(':');
        try {
            int port = Integer.parseInt(place.substring(colon + 1));
            if (colon > 0 && port > 0 && port < 65536) {
                Optional<Path> file = at < 0 ? Optional.empty() : Optional.of(Path.of(text.substring(at + 1)));
                return new RankAddress(place.substring(0, colon), port, file);
            }
        } catch (NumberFormatException | InvalidPathException e) {
            throw new IllegalArgumentException("not an address of a rank: " + text, e);
        }
        throw new IllegalArgumentException("not an address of a rank: " + text);
    }

    @Override
    public String toString() {
        return host + ":" + port + file.map(path -> FILE + path.toString()).orElse("");
    }
}
