package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.Handshake.Place;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Whatever a stranger says during the handshake: it is never admitted, and nothing is kept for it. */
class HandshakeFuzzTest {
    private static final byte[] SECRET = new byte[32];

    /** Notes what became of a conversation. */
    private static final class Notes implements HandshakeHandlers.Listener {
        private final List<Integer> admitted = new ArrayList<>();

        @Override
        public boolean admit(ChannelHandlerContext context, int peer) {
            return admitted.add(peer);
        }

        @Override
        public void refused(ChannelHandlerContext context, String reason) {}
    }

    private static void assertNeverAdmitted(Notes notes, io.netty.channel.ChannelHandler end, List<byte[]> messages) {
        EmbeddedChannel channel = new EmbeddedChannel(end);
        for (byte[] message : messages) {
            if (channel.isOpen()) {
                channel.writeInbound(Unpooled.wrappedBuffer(message));
            }
        }
        channel.finish();
        long answered = 0;
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            answered += out.readableBytes();
            out.release();
        }
        assertThat((ByteBuf) channel.readInbound()).isNull();
        assertThat(notes.admitted).isEmpty();
        assertThat(answered).isLessThanOrEqualTo(Handshake.HELLO_BYTES + Handshake.PROOF_BYTES + 2L);
    }

    @Property(tries = 500)
    void noBytesOpenTheAnswerer(@ForAll @Size(max = 6) List<@Size(max = 100) byte[]> messages) {
        Notes notes = new Notes();
        assertNeverAdmitted(
                notes, new HandshakeHandlers.Answerer(new Handshake(SECRET), new Place(0, 4, 1), notes), messages);
    }

    @Property(tries = 500)
    void noBytesBehindASoundGreetingOpenTheAnswerer(
            @ForAll @IntRange(max = 3) int caller, @ForAll @Size(max = 6) List<@Size(max = 100) byte[]> messages) {
        Notes notes = new Notes();
        List<byte[]> all = new ArrayList<>();
        all.add(Handshake.Hello.of(new Place(0, 4, caller), 1).toBytes());
        all.addAll(messages);
        assertNeverAdmitted(
                notes, new HandshakeHandlers.Answerer(new Handshake(SECRET), new Place(0, 4, 1), notes), all);
    }

    @Property(tries = 500)
    void noBytesOpenTheCaller(@ForAll @Size(max = 6) List<@Size(max = 100) byte[]> messages) {
        Notes notes = new Notes();
        assertNeverAdmitted(
                notes, new HandshakeHandlers.Caller(new Handshake(SECRET), new Place(0, 4, 1), 0, notes), messages);
    }
}
