package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.collective.Frames.MalformedFrameException;
import dev.sparkswitch.engine.DType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class FrameDecoderTest {
    private static final ByteBufAllocator HEAP = UnpooledByteBufAllocator.DEFAULT;
    private static final RankGroup GROUP = RankGroup.world(3);
    private static final Operation SUM =
            new Operation(Operation.Kind.ALL_REDUCE, 5, 12, DType.FLOAT32, Operation.NO_ROOT, GROUP);

    /** Writes down what it is given. */
    private static final class Record implements FrameDecoder.Sink {
        private final List<String> events = new ArrayList<>();
        private final StringBuilder payload = new StringBuilder();

        @Override
        public void piece(Operation operation, ByteBuf bytes) {
            assertThat(operation).isEqualTo(SUM);
            payload.append(bytes.toString(StandardCharsets.US_ASCII));
            bytes.release();
        }

        @Override
        public void abort(int failedRank, String message) {
            events.add(failedRank + " " + message);
        }

        @Override
        public void goodbye() {
            events.add("goodbye");
        }
    }

    private static byte[] conversation() {
        ByteBuf all = Unpooled.wrappedBuffer(
                Frames.group(HEAP, 0, 9, GROUP),
                Frames.data(HEAP, 1, SUM, 9, 5),
                Unpooled.wrappedBuffer("abcde".getBytes(StandardCharsets.US_ASCII)),
                Frames.data(HEAP, 2, SUM, 9, 0),
                Frames.data(HEAP, 3, SUM, 9, 7),
                Unpooled.wrappedBuffer("fghijkl".getBytes(StandardCharsets.US_ASCII)),
                Frames.abort(HEAP, 4, new CollectiveException(2, "out of oil", null)),
                Frames.goodbye(HEAP, 5));
        byte[] bytes = new byte[all.readableBytes()];
        all.readBytes(bytes);
        all.release();
        return bytes;
    }

    @Property(tries = 200)
    void framesAreTheSameHoweverTheyAreCut(@ForAll @Size(max = 40) List<@IntRange(min = 1, max = 60) Integer> cuts) {
        Record record = new Record();
        FrameDecoder decoder = new FrameDecoder(3, record);
        ByteBuf bytes = Unpooled.wrappedBuffer(conversation());
        for (int cut : cuts) {
            decoder.decode(bytes.readSlice(Math.min(cut, bytes.readableBytes())));
        }
        decoder.decode(bytes);
        assertThat(record.payload).hasToString("abcdefghijkl");
        assertThat(record.events).containsExactly("2 out of oil", "goodbye");
    }

    @Property(tries = 2000)
    void aDamagedConversationIsRefusedOrHarmless(
            @ForAll @IntRange(max = 400) int position, @ForAll byte value, @ForAll byte[] tail) {
        byte[] bytes = conversation();
        bytes[position % bytes.length] = value;
        decodeAnything(Unpooled.wrappedBuffer(bytes, tail));
    }

    @Property(tries = 500)
    void randomBytesAreRefused(@ForAll @Size(min = Frames.HEADER_BYTES, max = 300) byte[] bytes) {
        decodeAnything(Unpooled.wrappedBuffer(bytes));
    }

    private static void decodeAnything(ByteBuf bytes) {
        FrameDecoder decoder = new FrameDecoder(3, new FrameDecoder.Sink() {
            @Override
            public void piece(Operation operation, ByteBuf payload) {
                assertThat(payload.readableBytes()).isLessThanOrEqualTo(Frames.DATA_BYTES);
                payload.release();
            }

            @Override
            public void abort(int failedRank, String message) {
                assertThat(failedRank).isBetween(-1, 2);
            }

            @Override
            public void goodbye() {}
        });
        try {
            decoder.decode(bytes);
        } catch (MalformedFrameException refused) {
            assertThat(refused).hasMessageNotContaining("null");
        }
    }
}
