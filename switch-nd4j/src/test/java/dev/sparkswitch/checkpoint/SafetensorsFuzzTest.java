package dev.sparkswitch.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.base.UserException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Whatever a header says, it is read or refused with a clear error, and memory stays in proportion to its length. */
class SafetensorsFuzzTest {
    private static final String SOUND = "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
            + "\"b.weight\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]}}";
    private static final long SOUND_DATA = 32;

    @Property(tries = 2000)
    void anyBytes(@ForAll @Size(max = 200) byte[] bytes, @ForAll @IntRange(min = 0, max = 100) int dataBytes) {
        assertReadOrRefused(bytes, dataBytes);
    }

    @Property(tries = 4000)
    void aSoundHeaderWithAByteChanged(@ForAll @IntRange(min = 0, max = 1000) int where, @ForAll byte value) {
        byte[] bytes = SOUND.getBytes(StandardCharsets.UTF_8);
        bytes[where % bytes.length] = value;
        assertReadOrRefused(bytes, SOUND_DATA);
    }

    @Property(tries = 500)
    void aSoundHeaderCutShort(@ForAll @IntRange(min = 0, max = 170) int length) {
        byte[] bytes = SOUND.substring(0, Math.min(length, SOUND.length() - 1)).getBytes(StandardCharsets.UTF_8);
        assertThat(parse(bytes, SOUND_DATA)).isEmpty();
    }

    @Property(tries = 3000)
    void anyNumbers(@ForAll("headers") String header, @ForAll("numbers") long dataBytes) {
        assertReadOrRefused(header.getBytes(StandardCharsets.UTF_8), Math.max(0, dataBytes));
    }

    @Provide
    Arbitrary<String> headers() {
        Arbitrary<String> tensors = Combinators.combine(
                        Arbitraries.of("F64", "F32", "BF16", "U8", "BOOL", "X", ""),
                        numbers().list().ofMaxSize(4),
                        numbers().list().ofMinSize(1).ofMaxSize(3))
                .as((type, shape, offsets) ->
                        "{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}");
        return tensors.list().ofMaxSize(4).map(SafetensorsFuzzTest::header);
    }

    private static String header(List<String> tensors) {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < tensors.size(); i++) {
            text.append(i == 0 ? "" : ",").append("\"t").append(i).append("\":").append(tensors.get(i));
        }
        return text.append('}').toString();
    }

    @Provide
    Arbitrary<Long> numbers() {
        return Arbitraries.oneOf(
                Arbitraries.longs().between(-1, 16),
                Arbitraries.longs(),
                Arbitraries.of(Long.MAX_VALUE, Long.MIN_VALUE, 1L << 31, 1L << 32, (1L << 31) - 1));
    }

    private static void assertReadOrRefused(byte[] header, long dataBytes) {
        parse(header, dataBytes).ifPresent(read -> {
            long taken = read.tensors().values().stream()
                    .mapToLong(tensor -> tensor.info().bytes())
                    .sum();
            assertThat(taken).isEqualTo(dataBytes);
        });
    }

    private static Optional<SafetensorsHeader> parse(byte[] header, long dataBytes) {
        try {
            return Optional.of(SafetensorsHeader.parse(header, dataBytes, "x"));
        } catch (UserException e) {
            assertThat(e).hasMessageContaining("is not a sound safetensors file");
            return Optional.empty();
        }
    }
}
