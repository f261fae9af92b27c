package dev.sparkswitch.tests.survive;

import java.util.List;

/** A network of its own on this host, joined to it by one cable that can be cut. */
final class Namespace implements AutoCloseable {
    /** This host's end of the cable. */
    static final String NEAR = "10.77.9.1";
    /** The other end. */
    static final String FAR = "10.77.9.2";

    private static final String NAME = "sparkswitch-far";
    private static final String CABLE = "sparkswitch-n";
    private static final String OTHER_END = "sparkswitch-f";

    private Namespace() {}

    /** A namespace, or null where this user may not make one. */
    static Namespace open() {
        Namespace namespace = new Namespace();
        boolean made = ip("netns", "add", NAME)
                && ip("link", "add", CABLE, "type", "veth", "peer", "name", OTHER_END)
                && ip("link", "set", OTHER_END, "netns", NAME)
                && ip("addr", "add", NEAR + "/24", "dev", CABLE)
                && ip("link", "set", CABLE, "up")
                && ip("netns", "exec", NAME, "ip", "addr", "add", FAR + "/24", "dev", OTHER_END)
                && ip("netns", "exec", NAME, "ip", "link", "set", OTHER_END, "up")
                && ip("netns", "exec", NAME, "ip", "link", "set", "lo", "up");
        if (!made) {
            namespace.close();
            return null;
        }
        return namespace;
    }

    private static boolean ip(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = "ip";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        return Processes.run(command);
    }

    /** What begins the command line of a process inside. */
    List<String> prefix() {
        return List.of("ip", "netns", "exec", NAME);
    }

    /** Nothing gets through any more, and no connection is told. */
    void cut() {
        if (!ip("netns", "exec", NAME, "ip", "link", "set", OTHER_END, "down")) {
            throw new AssertionError("the cable could not be cut");
        }
    }

    @Override
    public void close() {
        ip("link", "del", CABLE);
        ip("netns", "del", NAME);
    }
}
