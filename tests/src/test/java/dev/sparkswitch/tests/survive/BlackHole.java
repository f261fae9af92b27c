package dev.sparkswitch.tests.survive;

import dev.sparkswitch.collective.HostCollectives;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.Rendezvous;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Ranks that reach one another through relays of this JVM. Once {@link #swallow} was called a relay takes what it is sent and
 * passes nothing on, and no connection breaks: what a cut cable or a firewall does.
 */
final class BlackHole implements LocalRun.Network, AutoCloseable {
    private final NettyOptions options;
    private final List<ServerSocket> servers = new ArrayList<>();
    private volatile boolean swallowing;

    BlackHole(NettyOptions options) {
        this.options = options;
    }

    void swallow() {
        swallowing = true;
    }

    /** The first attempt goes through relays, later ones directly. */
    @Override
    public List<HostCollectives> world(int attempt, int worldSize) {
        String[] messages = new String[worldSize];
        CyclicBarrier all = new CyclicBarrier(worldSize);
        ExecutorService threads = Executors.newFixedThreadPool(worldSize);
        List<Future<NettyCollectives>> ranks = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            Meeting meeting = new Meeting(rank, worldSize, attempt, messages, all);
            ranks.add(threads.submit(() -> NettyCollectives.connect(meeting, options)));
        }
        threads.shutdown();
        List<HostCollectives> world = new ArrayList<>();
        for (Future<NettyCollectives> rank : ranks) {
            try {
                world.add(rank.get(30, TimeUnit.SECONDS));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
        return world;
    }

    private final class Meeting implements Rendezvous {
        private final int rank;
        private final int worldSize;
        private final int attempt;
        private final String[] messages;
        private final CyclicBarrier all;

        private Meeting(int rank, int worldSize, int attempt, String[] messages, CyclicBarrier all) {
            this.rank = rank;
            this.worldSize = worldSize;
            this.attempt = attempt;
            this.messages = messages;
            this.all = all;
        }

        @Override
        public int rank() {
            return rank;
        }

        @Override
        public int worldSize() {
            return worldSize;
        }

        @Override
        public int attempt() {
            return attempt;
        }

        @Override
        public byte[] secret() {
            return new byte[32];
        }

        @Override
        public List<String> allGather(String address) {
            messages[rank] = attempt == 0 ? relayed(address) : address;
            try {
                all.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            return Arrays.asList(messages.clone());
        }
    }

    /** The address of a relay to {@code address}. */
    private String relayed(String address) {
        int colon = address.lastIndexOf(':');
        try {
            ServerSocket server = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
            synchronized (servers) {
                servers.add(server);
            }
            start(() -> {
                while (true) {
                    Socket near = server.accept();
                    Socket far =
                            new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
                    start(() -> relay(near, far));
                    start(() -> relay(far, near));
                }
            });
            return address.substring(0, colon) + ":" + server.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void relay(Socket from, Socket to) throws IOException {
        byte[] buffer = new byte[8192];
        for (int count = from.getInputStream().read(buffer);
                ;
                count = from.getInputStream().read(buffer)) {
            if (count < 0) {
                if (!swallowing) {
                    to.shutdownOutput();
                }
                return;
            }
            if (!swallowing) {
                to.getOutputStream().write(buffer, 0, count);
            }
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // The rank has ended.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        synchronized (servers) {
            for (ServerSocket server : servers) {
                server.close();
            }
        }
    }
}
