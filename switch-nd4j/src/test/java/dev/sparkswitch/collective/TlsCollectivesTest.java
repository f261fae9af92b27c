package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything that holds of collectives, encrypted. */
class TlsCollectivesTest extends HostCollectivesContract {
    private static final RankGroup BOTH = RankGroup.world(2);

    @TempDir
    static Path folder;

    private static Tls.Store ours;
    private static Tls.Store theirs;

    @BeforeAll
    static void makeKeys() throws Exception {
        ours = KeyStores.make(folder, "ours");
        theirs = KeyStores.make(folder, "theirs");
    }

    private static NettyOptions options() {
        return NettyWorlds.options().withTls(KeyStores.tls(ours, ours));
    }

    @Override
    List<NettyCollectives> open(int size, Duration deadline) throws Exception {
        return NettyWorlds.open(size, options().withDeadline(deadline));
    }

    /** Notes every byte between two ranks. */
    private static final class Tap implements AutoCloseable {
        private final ServerSocket server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
        private final String target;

        private Tap(String target) throws IOException {
            this.target = target;
            Thread thread = new Thread(this::serve);
            thread.setDaemon(true);
            thread.start();
        }

        private String address() {
            return new RankAddress("127.0.0.1", server.getLocalPort(), Optional.empty()).toString();
        }

        private void serve() {
            try {
                RankAddress real = RankAddress.parse(target);
                Socket near = server.accept();
                Socket far = new Socket(real.host(), real.port());
                copy(near, far);
                copy(far, near);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        private void copy(Socket from, Socket to) {
            Thread thread = new Thread(() -> {
                byte[] buffer = new byte[8192];
                try (from;
                        to) {
                    for (int count = from.getInputStream().read(buffer); count >= 0; ) {
                        synchronized (seen) {
                            seen.write(buffer, 0, count);
                        }
                        to.getOutputStream().write(buffer, 0, count);
                        count = from.getInputStream().read(buffer);
                    }
                } catch (IOException e) {
                    // Either end may close.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        private String text() {
            synchronized (seen) {
                return seen.toString(StandardCharsets.ISO_8859_1);
            }
        }

        @Override
        public void close() throws IOException {
            server.close();
        }
    }

    private static String overheard(NettyOptions options) throws Exception {
        var contexts = NettyWorlds.contexts(2);
        Tap[] tap = new Tap[1];
        // Rank 1 calls rank 0, whose address is that of the tap.
        Rendezvous tapped = new Rendezvous() {
            @Override
            public int rank() {
                return 1;
            }

            @Override
            public int worldSize() {
                return 2;
            }

            @Override
            public int attempt() {
                return 0;
            }

            @Override
            public byte[] secret() {
                return NettyWorlds.SECRET;
            }

            @Override
            public List<String> allGather(String message) {
                List<String> addresses = contexts.get(1).allGather(message);
                try {
                    tap[0] = new Tap(addresses.get(0));
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
                return List.of(tap[0].address(), addresses.get(1));
            }
        };
        Future<NettyCollectives> zero =
                NettyWorlds.connect(contexts.subList(0, 1), options).get(0);
        try (NettyCollectives one = NettyCollectives.connect(tapped, options);
                NettyCollectives other = zero.get()) {
            List<Throwable> failures = Ranks.failures(List.of(other, one), collectives -> {
                ByteBuffer data = Ranks.direct(64);
                data.put(0, "the weights of a secret model".getBytes(StandardCharsets.ISO_8859_1));
                collectives.broadcast(data, 0, BOTH);
            });
            assertThat(failures).containsOnlyNulls();
            return tap[0].text();
        } finally {
            tap[0].close();
        }
    }

    @Test
    void whoListensSeesNothing() throws Exception {
        assertThat(overheard(NettyWorlds.options())).contains("secret model");
        assertThat(overheard(options())).isNotEmpty().doesNotContain("secret model");
    }

    @Test
    void aRankWhoseCertificateIsNotTrustedIsRefused() throws Exception {
        var contexts = NettyWorlds.contexts(2);
        NettyOptions impatient = options().withConnectTimeout(Duration.ofMillis(1500));
        Future<NettyCollectives> zero =
                NettyWorlds.connect(contexts.subList(0, 1), impatient).get(0);
        NettyOptions stranger = impatient.withTls(KeyStores.tls(theirs, ours));
        assertThatThrownBy(() -> NettyCollectives.connect(contexts.get(1), stranger))
                .isInstanceOf(CollectiveException.class)
                .hasMessageContaining("rank 1 cannot reach rank 0");
        assertThatThrownBy(zero::get).hasMessageContaining("has no connection with ranks [1]");
    }

    @Test
    void aRankThatSpeaksInTheClearIsRefused() throws Exception {
        var contexts = NettyWorlds.contexts(2);
        NettyOptions impatient = options().withConnectTimeout(Duration.ofMillis(1500));
        Future<NettyCollectives> zero =
                NettyWorlds.connect(contexts.subList(0, 1), impatient).get(0);
        assertThatThrownBy(() -> NettyCollectives.connect(
                        contexts.get(1), NettyWorlds.options().withConnectTimeout(Duration.ofMillis(1500))))
                .isInstanceOf(CollectiveException.class);
        assertThatThrownBy(zero::get).hasMessageContaining("has no connection with ranks [1]");
    }

    @Test
    void aStoreThatCannotBeOpenedIsTheUsersMistakeAndItsPasswordIsNotTold() {
        Tls.Store wrong = new Tls.Store(ours.file(), "PKCS12", "wrong password");
        Tls tls = new Tls(wrong, Optional.empty(), Optional.empty(), List.of(), List.of());
        assertThatThrownBy(tls::open)
                .isInstanceOf(UserException.class)
                .hasMessageContaining("PKCS12 " + ours.file())
                .hasMessageContaining("correct spark.ssl.rpc.keyStore")
                .message()
                .doesNotContain("wrong password");
        assertThat(tls.toString()).doesNotContain("wrong password");
    }
}
