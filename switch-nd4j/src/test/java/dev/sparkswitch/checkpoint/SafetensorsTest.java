package dev.sparkswitch.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(SafetensorsType.class)
    void everyTypeReadsBackByteForByte(SafetensorsType type) {
        TensorInfo info = new TensorInfo("a", type, List.of(3, 0x10001, 2));
        byte[] bytes = new byte[(int) info.bytes()];
        new Random(7).nextBytes(bytes);
        Path file = folder.resolve("m.safetensors");
        Tensors.write(file, new TensorSource(info, sink -> sink.accept(ByteBuffer.wrap(bytes))));

        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            assertThat(reader.tensors()).containsOnlyKeys("a").containsValue(info);
            assertThat(reader.metadata()).containsEntry("format", "pt");
            ByteBuffer read = reader.read("a");
            assertThat(read.isDirect()).isTrue();
            assertThat(read).isEqualTo(ByteBuffer.wrap(bytes));
        }
    }

    @Test
    void floatingTypesAreConvertedWhenTheyAreRead() {
        Path file = folder.resolve("m.safetensors");
        float[] values = new float[300_000];
        Random random = new Random(1);
        for (int i = 0; i < values.length; i++) {
            // Seven bits of fraction: every floating type holds these exactly.
            values[i] = (random.nextInt(255) - 127) * 0x1p-5f;
        }
        List<Integer> shape = List.of(values.length);
        TensorSource source = Tensors.floats("F32", shape, values);
        Tensors.write(
                file,
                source,
                source.as(SafetensorsType.F64).renamed("F64"),
                source.as(SafetensorsType.F16).renamed("F16"),
                source.as(SafetensorsType.BF16).renamed("BF16"));

        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            for (TensorInfo info : reader.tensors().values()) {
                assertThat(info.type().name()).isEqualTo(info.name());
                assertThat(reader.floats(info.name())).isEqualTo(values);
                assertThat(reader.doubles(info.name())[17]).isEqualTo(values[17]);
                ByteBuffer low = reader.read(info.name(), DType.BFLOAT16);
                assertThat(Numbers.fromBfloat16(low.getShort(2 * 123_456))).isEqualTo(values[123_456]);
            }
            assertThatThrownBy(() -> reader.integers("F32"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("Tensor F32 holds F32 where I32 was expected");
        }
    }

    @Test
    void integersAreConvertedWhereTheyFit() {
        Path file = folder.resolve("m.safetensors");
        ByteBuffer longs = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        longs.putLong(0, -100).putLong(8, 1L << 40);
        ByteBuffer mask = ByteBuffer.wrap(new byte[] {1, 0, 1});
        Tensors.write(
                file,
                TensorSource.of("labels", DType.INT64, new int[] {2}, longs),
                new TensorSource(new TensorInfo("mask", SafetensorsType.BOOL, List.of(3)), sink -> sink.accept(mask)));

        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            assertThat(reader.integers("mask")).containsExactly(1, 0, 1);
            assertThat(reader.doubles("labels")).containsExactly(-100, 0x1p40);
            assertThatThrownBy(() -> reader.integers("labels"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("holds 1099511627776, which I32 cannot hold");
        }
    }

    @Test
    void aReaderFillsABufferOfTheCallers() {
        Path file = folder.resolve("m.safetensors");
        Tensors.write(file, Tensors.floats("a", List.of(2, 2), 1, 2, 3, 4));

        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            ByteBuffer reused = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
            reused.position(8).limit(40);
            reader.read("a", DType.FLOAT64, reused);
            assertThat(reused.position()).isEqualTo(40);
            assertThat(reused.getDouble(32)).isEqualTo(4);
            ByteBuffer part = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            reader.read("a", 4, part);
            assertThat(part.getFloat(0)).isEqualTo(2);
            assertThatThrownBy(() -> reader.read("a", 12, ByteBuffer.allocate(8)))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> reader.read("b"))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("no tensor b");
        }
    }

    @Test
    void theSameTensorsGiveTheSameBytesInWhateverOrderTheyCome() throws IOException {
        List<TensorSource> tensors = new ArrayList<>(List.of(
                Tensors.floats("b", List.of(3), 1, 2, 3),
                Tensors.floats("a", List.of(1, 1), 4),
                Tensors.floats("half", List.of(1), 5).as(SafetensorsType.F16),
                Tensors.floats("single", List.of(), 6),
                Tensors.floats("empty", List.of(0, 4)),
                Tensors.floats("double", List.of(1), 7).as(SafetensorsType.F64)));
        ByteArrayOutputStream first = new ByteArrayOutputStream();
        SafetensorsWriter.write(first, tensors);
        Collections.reverse(tensors);
        ByteArrayOutputStream second = new ByteArrayOutputStream();
        SafetensorsWriter.write(second, tensors);

        assertThat(second.toByteArray()).isEqualTo(first.toByteArray());
        Path file = Files.write(folder.resolve("m.safetensors"), first.toByteArray());
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            assertThat(reader.tensors()).hasSize(6);
            assertThat(reader.floats("half")).containsExactly(5);
            assertThat(reader.floats("single")).containsExactly(6);
            assertThat(reader.floats("empty")).isEmpty();
        }
    }

    @Test
    void aTensorThatHandsOverTooLittleOrComesTwiceIsOurDefect() {
        TensorSource shortOne = new TensorSource(
                new TensorInfo("a", SafetensorsType.F32, List.of(2)), sink -> sink.accept(ByteBuffer.allocate(4)));
        assertThatThrownBy(() -> SafetensorsWriter.write(new ByteArrayOutputStream(), List.of(shortOne)))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("4 bytes instead of 8");
        TensorSource one = Tensors.floats("a", List.of(1), 1);
        assertThatThrownBy(() ->
                        SafetensorsWriter.write(new ByteArrayOutputStream(), List.of(one, one.as(SafetensorsType.F64))))
                .isInstanceOf(InternalException.class)
                .hasMessageContaining("a was handed over twice");
    }

    static List<Path> files() throws IOException {
        return Tensors.files();
    }

    @ParameterizedTest
    @MethodSource("files")
    void filesOfTheReferenceImplementationAreReadToTheirLastByte(Path file) {
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            assertThat(reader.tensors()).isNotEmpty();
            for (TensorInfo info : reader.tensors().values()) {
                assertThat(reader.read(info.name()).remaining()).isEqualTo(info.bytes());
            }
        }
    }

    @Test
    void faultyFilesAreRefusedWithTheirNameAndTheFault() throws IOException {
        assertRefused(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                7,
                "tensor a ends at byte 8 of the data but only 7");
        assertRefused(
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                9,
                "its tensors take 8 bytes but 9 follow the header: something was added");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "takes 8 bytes");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "begins at byte 4");
        assertRefused("{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype F31");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "holds -1");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "no integer");
        assertRefused(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296],\"data_offsets\":[0,4294967296]}}",
                4,
                "an axis of 4294967296");
        assertRefused(
                "{\"a\":{\"dtype\":\"F64\",\"shape\":[2147483647,2147483647],\"data_offsets\":[0,4]}}", 4, "too large");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}}", 4, "9999");
        assertRefused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "lacks a dtype");
        assertRefused("{\"a\":3}", 0, "'a' is not an object");
        assertRefused("{\"__metadata__\":{\"format\":1}}", 0, "metadata 'format' is not a string");
        assertRefused("[]", 0, "the header is not an object");
        assertRefused("{} {}", 0, "something follows");
        assertRefused("{\"a\"", 0, "not valid JSON");
        assertRefused(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                        + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                2,
                "Duplicate field 'a'");
        assertRefused(
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
                3,
                "tensor b begins at byte 1 of the data where 2 was next");
        assertRefused("{\"a\":{\"x\":" + "[".repeat(100_000), 0, "nesting depth");

        Path file = Files.write(folder.resolve("short.safetensors"), new byte[5]);
        assertThatThrownBy(() -> SafetensorsReader.open(file)).hasMessageContaining("only 5 bytes");
        Path huge = Files.write(folder.resolve("huge.safetensors"), new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, 0});
        assertThatThrownBy(() -> SafetensorsReader.open(huge))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("a header of 18446744073709551615 bytes in a file of 9");
        assertThatThrownBy(() -> SafetensorsReader.open(folder.resolve("none.safetensors")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("There is no file");
        assertThatThrownBy(() -> SafetensorsReader.open(folder)).hasMessageContaining("is a folder");
    }

    private void assertRefused(String header, int dataBytes, String fault) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        byte[] content = ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
        Path file = Files.write(folder.resolve("faulty.safetensors"), content);
        assertThatThrownBy(() -> SafetensorsReader.open(file))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("faulty.safetensors")
                .hasMessageContaining(fault);
    }
}
