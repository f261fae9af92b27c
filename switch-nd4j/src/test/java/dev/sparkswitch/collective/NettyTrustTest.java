package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.collective.Handshake.Hello;
import dev.sparkswitch.collective.RawRank.Pair;
import dev.sparkswitch.collective.RawRank.Waiting;
import dev.sparkswitch.engine.DType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Who gets in, and what becomes of those who send what they should not. */
class NettyTrustTest {
    private static final RankGroup BOTH = RankGroup.world(2);
    private static final byte[] OTHER_SECRET = "another secret, just as long".getBytes(StandardCharsets.US_ASCII);
    private static final ByteBufAllocator HEAP = UnpooledByteBufAllocator.DEFAULT;

    @Test
    void aRankWithAnotherSecretIsRefused() throws Exception {
        var contexts = NettyWorlds.contexts(2);
        List<Future<NettyCollectives>> ranks = NettyWorlds.connect(
                List.of(contexts.get(0), contexts.get(1).withSecret(OTHER_SECRET)),
                NettyWorlds.options().withConnectTimeout(Duration.ofMillis(500)));
        assertThatThrownBy(() -> ranks.get(1).get())
                .hasRootCauseInstanceOf(CollectiveException.class)
                .hasMessageContaining("rank 0 refused this rank: wrong proof");
        assertThatThrownBy(() -> ranks.get(0).get()).hasMessageContaining("has no connection with ranks [1]");
    }

    @Test
    void aRankOfAnotherAttemptIsRefused() throws Exception {
        var contexts = NettyWorlds.contexts(2);
        List<Future<NettyCollectives>> ranks = NettyWorlds.connect(
                List.of(contexts.get(0), contexts.get(1).withAttempt(1)),
                NettyWorlds.options().withConnectTimeout(Duration.ofMillis(500)));
        assertThatThrownBy(() -> ranks.get(1).get()).hasMessageContaining("wrong place");
        assertThatThrownBy(() -> ranks.get(0).get()).isInstanceOf(ExecutionException.class);
    }

    @Test
    void anAnswererWithoutTheSecretIsNotTrusted() throws Exception {
        Hello hello = RawRank.hello(1);
        byte[] nonce = Handshake.freshNonce();
        Handshake ours = new Handshake(NettyWorlds.SECRET);
        assertThat(ours.answererProof(hello, nonce))
                .isNotEqualTo(new Handshake(OTHER_SECRET).answererProof(hello, nonce))
                .isNotEqualTo(ours.callerProof(hello, nonce))
                .isNotEqualTo(ours.answererProof(hello, Handshake.freshNonce()))
                .isNotEqualTo(ours.answererProof(RawRank.hello(1), nonce));
    }

    @Test
    void aShortSecretIsRefused() {
        assertThatThrownBy(() -> new Handshake(new byte[15])).hasMessageContaining("15 bytes");
    }

    @Test
    void strangersAreTurnedAwayAndTheWorldComesTogetherNonetheless() throws Exception {
        Waiting waiting = Waiting.open(NettyWorlds.options());
        try (RawRank garbage = new RawRank(waiting.address());
                RawRank silent = new RawRank(waiting.address());
                RawRank wrongRank = new RawRank(waiting.address());
                RawRank ignorant = new RawRank(waiting.address())) {
            garbage.write(new byte[100_000]);
            assertThatThrownBy(garbage::verdict).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> wrongRank.greet(RawRank.hello(0))).hasMessage("wrong place");
            assertThatThrownBy(() -> ignorant.prove(RawRank.hello(1), OTHER_SECRET))
                    .hasMessage("wrong proof");
            try (RawRank real = new RawRank(waiting.address())) {
                real.prove(RawRank.hello(1), NettyWorlds.SECRET);
                try (NettyCollectives rank0 = waiting.real().get()) {
                    assertThat(rank0.worldSize()).isEqualTo(2);
                }
            }
            assertThat(silent).isNotNull();
        }
    }

    @Test
    void aRecordedConversationOpensNoSecondConnection() throws Exception {
        Hello hello = RawRank.hello(1);
        byte[] recorded;
        Waiting first = Waiting.open(NettyWorlds.options());
        try (RawRank raw = new RawRank(first.address())) {
            recorded = raw.prove(hello, NettyWorlds.SECRET);
        }
        first.real().get().close();
        Waiting second = Waiting.open(NettyWorlds.options().withConnectTimeout(Duration.ofMillis(300)));
        try (RawRank replay = new RawRank(second.address())) {
            replay.greet(hello);
            replay.write(recorded);
            assertThatThrownBy(replay::verdict).hasMessage("wrong proof");
        }
        assertThatThrownBy(() -> second.real().get()).isInstanceOf(ExecutionException.class);
    }

    @Test
    void garbageFromARankEndsTheRun() throws Exception {
        assertRefused(Unpooled.wrappedBuffer(new byte[1000]), "rank 1 sent bytes that begin no frame (0x0)");
    }

    @Test
    void anOversizedFrameEndsTheRun() throws Exception {
        ByteBuf frame = Frames.goodbye(HEAP, 0);
        frame.setInt(Frames.HEADER_BYTES - Integer.BYTES, Integer.MAX_VALUE);
        assertRefused(frame, "rank 1 sent a GOODBYE frame of 2147483647 bytes, more than 0");
    }

    @Test
    void anOversizedDataFrameEndsTheRun() throws Exception {
        Operation barrier = new Operation(Operation.Kind.BARRIER, 0, 0, null, Operation.NO_ROOT, BOTH);
        ByteBuf frames = Unpooled.wrappedBuffer(
                Frames.group(HEAP, 0, 0, BOTH), Frames.data(HEAP, 1, barrier, 0, Frames.DATA_BYTES + 1));
        assertRefused(frames, "rank 1 sent a DATA frame of 262145 bytes, more than 262144");
    }

    @Test
    void aRepeatedFrameEndsTheRun() throws Exception {
        ByteBuf frames = Unpooled.wrappedBuffer(Frames.group(HEAP, 0, 0, BOTH), Frames.group(HEAP, 0, 0, BOTH));
        assertRefused(frames, "rank 1 sent frame 0 where frame 1 was due");
    }

    private static void assertRefused(ByteBuf bytes, String message) throws Exception {
        Pair pair = Pair.open(NettyWorlds.options());
        try (NettyCollectives real = pair.real();
                RawRank raw = pair.raw()) {
            raw.write(bytes);
            assertThatThrownBy(() -> real.barrier(BOTH))
                    .isInstanceOfSatisfying(CollectiveException.class, failure -> assertThat(failure.failedRank())
                            .isEqualTo(1))
                    .hasMessage(message);
        }
    }

    @Test
    void aPeerKilledInAnOperationIsNamed() throws Exception {
        Pair pair = Pair.open(NettyWorlds.options());
        try (NettyCollectives real = pair.real()) {
            Thread killer = new Thread(() -> {
                try (RawRank raw = pair.raw()) {
                    raw.write(Frames.group(HEAP, 0, 0, BOTH));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            killer.start();
            assertThatThrownBy(() -> real.allReduceSum(Ranks.direct(8 << 20), DType.FLOAT32, BOTH))
                    .isInstanceOfSatisfying(CollectiveException.class, failure -> assertThat(failure.failedRank())
                            .isEqualTo(1))
                    .hasMessageContaining("rank 1 is lost to rank 0");
            killer.join();
        }
    }

    @Test
    void aCauseThatComesBeforeTheBrokenConnectionIsReported() throws Exception {
        Pair pair = Pair.open(NettyWorlds.options().withCauseWait(Duration.ofSeconds(10)));
        try (NettyCollectives real = pair.real();
                RawRank raw = pair.raw()) {
            raw.write(Frames.abort(HEAP, 0, new CollectiveException(1, "rank 1 failed: the disk is full", null)));
            raw.close();
            assertThatThrownBy(() -> real.allReduceSum(Ranks.direct(8 << 20), DType.FLOAT32, BOTH))
                    .hasMessage("rank 1 failed: the disk is full");
        }
    }

    @Test
    void aPeerThatTakesNothingEndsInTheDeadline() throws Exception {
        Pair pair = Pair.open(NettyWorlds.options().withDeadline(Duration.ofMillis(300)));
        try (NettyCollectives real = pair.real();
                RawRank raw = pair.raw()) {
            assertThat(raw).isNotNull();
            assertThatThrownBy(() -> real.broadcast(Ranks.direct(64 << 20), 0, BOTH))
                    .isInstanceOf(CollectiveException.class)
                    .hasMessageContaining("a rank does not take what is sent to it");
        }
    }
}
