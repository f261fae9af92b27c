package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.NettyOptions.Neighbours;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ranks of one host reach one another by a file where they can, by TCP where not. */
@Timeout(60)
class NettyNeighboursTest {
    /** Where nobody listens. */
    private static final int NOBODY = 1;

    @TempDir
    Path folder;

    private final List<RankAddress> told = new ArrayList<>();
    private String permissions = "";

    /** A rank that hears others' addresses as {@code heard} has them. */
    private final class Hearing implements Rendezvous {
        private final NettyWorlds.Context context;
        private final UnaryOperator<RankAddress> heard;

        private Hearing(NettyWorlds.Context context, UnaryOperator<RankAddress> heard) {
            this.context = context;
            this.heard = heard;
        }

        @Override
        public int rank() {
            return context.rank();
        }

        @Override
        public int worldSize() {
            return context.worldSize();
        }

        @Override
        public int attempt() {
            return context.attempt();
        }

        @Override
        public byte[] secret() {
            return context.secret();
        }

        @Override
        public List<String> allGather(String message) {
            List<String> addresses = new ArrayList<>();
            for (String address : context.allGather(message)) {
                RankAddress told = RankAddress.parse(address);
                NettyNeighboursTest.this.told.add(told);
                told.file().ifPresent(file -> permissions = permissions(file.getParent()));
                addresses.add(heard.apply(told).toString());
            }
            return addresses;
        }

        private static String permissions(Path path) {
            try {
                return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    private void meet(NettyOptions options, UnaryOperator<RankAddress> heard) throws Exception {
        List<NettyWorlds.Context> contexts = NettyWorlds.contexts(2);
        Future<NettyCollectives> zero =
                NettyWorlds.connect(contexts.subList(0, 1), options).get(0);
        try (NettyCollectives one = NettyCollectives.connect(new Hearing(contexts.get(1), heard), options);
                NettyCollectives other = zero.get(30, TimeUnit.SECONDS)) {
            Ranks.run(List.of(other, one), rank -> rank.barrier(RankGroup.world(2)));
        }
    }

    @Test
    void ranksOfOneHostMeetInAFileThatIsThenRemoved() throws Exception {
        meet(NettyWorlds.options(), address -> new RankAddress(address.host(), NOBODY, address.file()));
        assertThat(told).hasSize(2).allSatisfy(address -> assertThat(
                        address.file().orElseThrow().getParent())
                .doesNotExist());
        assertThat(permissions).isEqualTo("rwx------");
    }

    @Test
    void whereTheFileIsNotThereTheyMeetByTcp() throws Exception {
        meet(
                NettyWorlds.options(),
                address -> new RankAddress(
                        address.host(), address.port(), Optional.of(folder.resolve("of another host"))));
        assertThat(told).hasSize(2);
    }

    @Test
    void whereTheFileIsNoSocketTheyMeetByTcp() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        meet(NettyWorlds.options(), address -> new RankAddress(address.host(), address.port(), Optional.of(file)));
        assertThat(told).hasSize(2);
    }

    @Test
    void whoIsToUseTcpAloneOffersNoFile() throws Exception {
        meet(NettyWorlds.options().withNeighbours(Neighbours.TCP), address -> address);
        assertThat(told).hasSize(2).allSatisfy(address -> assertThat(address.file())
                .isEmpty());
    }

    /** Containers of one machine may see the same files, yet have networks of their own. */
    @Test
    void aRankOfAnotherAddressIsNoNeighbour() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        RankAddress address = new RankAddress("10.0.0.7", 4040, Optional.of(file));
        assertThat(SocketFile.near(address, "10.0.0.8")).isEmpty();
        assertThat(SocketFile.near(address, "10.0.0.7")).isPresent();
    }

    @Test
    void addressesAreReadAsTheyAreWritten() {
        for (String text : List.of("host:80", "fe80::1:80", "host:80@/tmp/a b@c:7/rank", "::1:65535@/x")) {
            assertThat(RankAddress.parse(text)).hasToString(text);
        }
        assertThat(RankAddress.parse("fe80::1:80@/x/y"))
                .isEqualTo(new RankAddress("fe80::1", 80, Optional.of(Path.of("/x/y"))));
    }
}
