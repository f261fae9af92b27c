package dev.sparkswitch.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.Checksums;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DamagedShardTest {
    private static final ShardLayout LAYOUT = new ShardLayout(5, 3, Packing.SEGMENTS);

    @TempDir
    java.nio.file.Path temporary;

    private java.nio.file.Path shard;
    private byte[] intact;
    private Manifest manifest;

    @BeforeEach
    void writeTwoShards() throws IOException {
        manifest = Box.write(folder(), LAYOUT, 3, List.of(7, 4));
        shard = temporary.resolve("data/part-00001.arrow");
        intact = Files.readAllBytes(shard);
    }

    @Test
    void truncatedShardIsNamed() throws IOException {
        Files.write(shard, java.util.Arrays.copyOf(intact, intact.length - 100));

        assertThatReading(Checks.SIZES, 7)
                .hasMessageContaining(
                        "part-00001.arrow is damaged: it has " + (intact.length - 100) + " bytes instead of")
                .hasMessageContaining("run 'sparkswitch batch' to make it");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.2, 0.5, 0.8, 0.999})
    void flippedBitNeverYieldsABatch(double place) throws IOException {
        byte[] bytes = intact.clone();
        bytes[(int) (place * bytes.length)] ^= 0x10;
        Files.write(shard, bytes);

        assertThatReading(Checks.CHECKSUMS, 7)
                .hasMessageContaining("part-00001.arrow is damaged: its checksum is crc32c:");
        assertThatReading(Checks.CHECKSUMS, 6).hasMessageContaining("part-00001.arrow is damaged");
    }

    @Test
    void intactShardsStayReadableAndARepairedOneBecomesSo() throws IOException {
        Files.write(shard, new byte[intact.length]);
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder())) {
            source.read(0, 7).close();
            assertThatThrownBy(() -> source.read(7, 1)).isInstanceOf(UserException.class);
            Files.write(shard, intact);
            source.read(7, 1).close();
        }
    }

    @Test
    void missingShardIsNamed() throws IOException {
        Files.delete(shard);

        assertThatReading(Checks.SIZES, 7).hasMessageContaining("part-00001.arrow is damaged: it is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "ARROW1", "PAR1 is the mark of another format", "ARROW1 starts like one and ends otherwise"})
    void whatIsNoArrowFileIsRefused(String content) throws IOException {
        replace(content.getBytes(java.nio.charset.StandardCharsets.US_ASCII));

        assertThatReading(Checks.CHECKSUMS, 7)
                .hasMessageContaining("part-00001.arrow is damaged: it ")
                .hasMessageMatching("(?s).*(too few for an Arrow file|the mark of an Arrow file).*");
    }

    @ParameterizedTest
    @CsvSource({"0", "-1", "2147483647", "5000"})
    void impossibleFooterLengthIsRefused(int length) throws IOException {
        byte[] bytes = intact.clone();
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length - 10, length);
        replace(bytes);

        assertThatReading(Checks.CHECKSUMS, 7).hasMessageContaining("its footer of " + length + " bytes cannot be");
    }

    /** Lengths in footer and metadata may say anything: the answer is an error or rows, never another failure. */
    @Test
    void noChangeOfMetadataIsFollowedBlindly() throws IOException {
        Random random = new Random(1);
        int refused = 0;
        for (int i = 0; i < 1_000; i++) {
            byte[] bytes = intact.clone();
            int changes = 1 + random.nextInt(4);
            for (int change = 0; change < changes; change++) {
                byte value = (byte) (random.nextBoolean() ? random.nextInt(256) : random.nextBoolean() ? 0xFF : 0x7F);
                bytes[random.nextInt(bytes.length)] = value;
            }
            Files.write(shard, bytes);
            try (ShardSource source = open(Checks.SIZES)) {
                source.read(7, 4).close();
            } catch (UserException e) {
                assertThat(e).hasMessageContaining("part-00001.arrow is damaged");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(50);
    }

    @Test
    void shardOfAnotherLayoutIsRefused() throws IOException {
        Path other = new Path(new Path(temporary.toUri()), "other");
        for (ShardLayout layout : List.of(
                new ShardLayout(6, 3, Packing.SEGMENTS),
                new ShardLayout(5, 2, Packing.SEGMENTS),
                new ShardLayout(5, 3, Packing.NONE))) {
            Path file = new Path(other, layout + ".arrow");
            try (ShardWriter writer = ShardWriter.open(fileSystem(), file, layout, 7)) {
                for (int row = 7; row < 11; row++) {
                    writer.add(new int[] {row}, new int[] {1});
                }
            }
            replace(Files.readAllBytes(java.nio.file.Path.of(file.toUri().getPath())));

            assertThatReading(Checks.CHECKSUMS, 7).hasMessageContaining("part-00001.arrow is damaged: its column");
        }
    }

    @Test
    void shardInTheWrongPlaceIsRefused() throws IOException {
        replaceManifest(List.of(manifest.files().get(1), manifest.files().get(0)));

        assertThatReading(Checks.CHECKSUMS, 0).hasMessageContaining("it holds row 7 where row 0 belongs");
    }

    @Test
    void wrongNumberOfRowsIsRefused() throws IOException {
        Manifest.Entry entry = manifest.files().get(1);
        java.util.SortedMap<String, Long> counts = new java.util.TreeMap<>(entry.counts());
        counts.put("rows", 5L);
        replaceManifest(List.of(
                manifest.files().get(0), new Manifest.Entry(entry.path(), entry.bytes(), entry.checksum(), counts)));

        assertThatReading(Checks.CHECKSUMS, 7).hasMessageContaining("it has 4 rows instead of 5");
    }

    @Test
    void boxWithoutRowsOrUsableManifestIsRefused() throws IOException {
        replaceManifest(List.of());
        assertThatThrownBy(() -> open(Checks.SIZES))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("hold no rows");

        for (String property :
                List.of("input-length=0", "input-length=many", "target-length=-1", "packing=tight", "packing=")) {
            int equals = property.indexOf('=');
            Manifests.remove(fileSystem(), folder());
            Manifests.write(
                    fileSystem(),
                    folder(),
                    Manifest.builder(Manifest.SHARDS)
                            .properties(LAYOUT.properties())
                            .property(property.substring(0, equals), property.substring(equals + 1))
                            .build());
            assertThatThrownBy(() -> open(Checks.SIZES))
                    .as(property)
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("run 'sparkswitch batch' again");
        }

        Manifests.remove(fileSystem(), folder());
        assertThatThrownBy(() -> open(Checks.SIZES))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("run 'sparkswitch batch' to make it");
        Manifests.write(
                fileSystem(), folder(), Manifest.builder(Manifest.SHARDS).build());
        assertThatThrownBy(() -> open(Checks.SIZES))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("lacks the property 'packing'");
    }

    private AbstractThrowableAssert<?, ? extends Throwable> assertThatReading(Checks checks, long row) {
        return assertThatThrownBy(() -> {
                    try (ShardSource source = open(checks)) {
                        source.read(row, 2).close();
                    }
                })
                .isInstanceOf(UserException.class);
    }

    private ShardSource open(Checks checks) {
        return ShardSource.open(Box.CONFIGURATION, folder(), ShardCache.temporary(), checks);
    }

    /** Gives the second shard other bytes, which the manifest agrees with. */
    private void replace(byte[] bytes) throws IOException {
        Files.write(shard, bytes);
        Manifest.Entry entry = manifest.files().get(1);
        replaceManifest(List.of(
                manifest.files().get(0),
                new Manifest.Entry(entry.path(), bytes.length, Checksums.of(ByteBuffer.wrap(bytes)), entry.counts())));
    }

    private void replaceManifest(List<Manifest.Entry> entries) throws IOException {
        Manifests.remove(fileSystem(), folder());
        Manifests.write(
                fileSystem(),
                folder(),
                Manifest.builder(Manifest.SHARDS)
                        .properties(LAYOUT.properties())
                        .files(entries)
                        .build());
    }

    private Path folder() {
        return new Path(temporary.toUri());
    }

    private FileSystem fileSystem() throws IOException {
        return folder().getFileSystem(Box.CONFIGURATION);
    }
}
