package dev.sparkswitch.collective;

/**
 * Where a rank listens.
 *
 * @param host a host name or address; an IPv6 address without brackets
 * @param port the port
 */
record RankAddress(String host, int port) {
    /** Parses {@code host:port}; the last colon divides, so that IPv6 addresses need no brackets. */
    static RankAddress parse(String text) {
        int colon = text.lastIndexOf(':');
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (colon > 0 && port > 0 && port < 65536) {
                return new RankAddress(text.substring(0, colon), port);
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not an address of a rank: " + text, e);
        }
        throw new IllegalArgumentException("not an address of a rank: " + text);
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
