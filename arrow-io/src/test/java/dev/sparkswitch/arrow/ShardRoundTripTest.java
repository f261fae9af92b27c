package dev.sparkswitch.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.FullDisk;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.nio.IntBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.ipc.ArrowFileReader;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardRoundTripTest {
    private static final ShardLayout PLAIN = new ShardLayout(5, 3, Packing.NONE);
    private static final ShardLayout PACKED = new ShardLayout(6, 4, Packing.SEGMENTS);

    @TempDir
    java.nio.file.Path temporary;

    @Test
    void rowsArePaddedAndCounted() throws IOException {
        write(PLAIN, new int[][] {{11, 12, 13}, {21, 22, 23, 24, 25}, {}}, new int[][] {{14, 1}, {26, 27, 1}, {0, 0, 0}
        });

        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder());
                TokenBatch batch = source.read(0, 3)) {
            assertThat(source.rows()).isEqualTo(3);
            assertThat(batch.rows()).isEqualTo(3);
            assertThat(batch.inputLength()).isEqualTo(5);
            assertThat(batch.targetLength()).isEqualTo(3);
            assertThat(array(batch.inputs())).containsExactly(11, 12, 13, 0, 0, 21, 22, 23, 24, 25, 0, 0, 0, 0, 0);
            assertThat(array(batch.targets())).containsExactly(14, 1, 0, 26, 27, 1, 0, 0, 0);
            assertThat(array(batch.inputSegments())).containsExactly(1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0);
            assertThat(array(batch.targetSegments())).containsExactly(1, 1, 0, 1, 1, 1, 0, 0, 0);
            assertThat(array(batch.inputPositions())).containsExactly(0, 1, 2, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0);
            assertThat(array(batch.targetPositions())).containsExactly(0, 1, 0, 0, 1, 2, 0, 0, 0);
            assertThat(batch.inputTokens()).containsExactly(3, 5, 0);
            assertThat(batch.targetTokens()).containsExactly(2, 3, 0);
            assertThat(source.targetTokens(0, 3)).isEqualTo(5);
            assertThat(source.targetTokens(1, 3)).isEqualTo(5);
            assertThat(source.targetTokens(2, 5)).isEqualTo(7);
        }
    }

    @Test
    void packedRowsKeepSegmentsAndPositions() throws IOException {
        Path file = new Path(folder(), "part.arrow");
        ShardWriter writer = ShardWriter.open(fileSystem(), file, PACKED, 0);
        try (writer) {
            writer.add(
                    List.of(new int[] {7, 8}, new int[] {9}, new int[] {5, 6}),
                    List.of(new int[] {1}, new int[] {2, 3}, new int[] {4}));
            writer.add(new int[] {3}, new int[] {2});
        }
        finish(PACKED, writer);

        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder());
                TokenBatch batch = source.read(0, 2)) {
            assertThat(source.layout()).isEqualTo(PACKED);
            assertThat(array(batch.inputs())).containsExactly(7, 8, 9, 5, 6, 0, 3, 0, 0, 0, 0, 0);
            assertThat(array(batch.inputSegments())).containsExactly(1, 1, 2, 3, 3, 0, 1, 0, 0, 0, 0, 0);
            assertThat(array(batch.inputPositions())).containsExactly(0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
            assertThat(array(batch.targets())).containsExactly(1, 2, 3, 4, 2, 0, 0, 0);
            assertThat(array(batch.targetSegments())).containsExactly(1, 2, 2, 3, 1, 0, 0, 0);
            assertThat(array(batch.targetPositions())).containsExactly(0, 0, 1, 0, 0, 0, 0, 0);
            assertThat(batch.inputTokens()).containsExactly(5, 1);
            assertThat(batch.targetTokens()).containsExactly(4, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void arrowsOwnReaderReadsTheSame(Packing packing) throws IOException {
        ShardLayout layout = new ShardLayout(7, 4, packing);
        Box.write(folder(), layout, 4, List.of(10));

        List<Integer> tokens = new ArrayList<>();
        List<Long> ids = new ArrayList<>();
        try (RootAllocator allocator = new RootAllocator();
                FileChannel channel = FileChannel.open(temporary.resolve("data/part-00000.arrow"));
                ArrowFileReader reader = new ArrowFileReader(channel, allocator)) {
            VectorSchemaRoot root = reader.getVectorSchemaRoot();
            assertThat(root.getSchema()).isEqualTo(layout.schema());
            while (reader.loadNextBatch()) {
                for (int row = 0; row < root.getRowCount(); row++) {
                    ids.add(((BigIntVector) root.getVector("row")).get(row));
                    ((FixedSizeListVector) root.getVector("inputs"))
                            .getObject(row)
                            .forEach(t -> tokens.add((Integer) t));
                }
            }
        }
        assertThat(ids).containsExactly(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L);
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder());
                TokenBatch batch = source.read(0, 10)) {
            assertThat(tokens)
                    .containsExactly(java.util.Arrays.stream(array(batch.inputs()))
                            .boxed()
                            .toArray(Integer[]::new));
        }
    }

    @ParameterizedTest
    @EnumSource
    void sameRowsGiveTheSameBytes(Packing packing) throws IOException {
        ShardLayout layout = new ShardLayout(9, 5, packing);
        Path first = new Path(folder(), "first");
        Path second = new Path(folder(), "second");

        assertThat(Box.write(first, layout, 3, List.of(10, 4)).files())
                .isEqualTo(Box.write(second, layout, 3, List.of(10, 4)).files());
        assertThat(temporary.resolve("first/data/part-00000.arrow"))
                .hasSameBinaryContentAs(temporary.resolve("second/data/part-00000.arrow"));
    }

    @Test
    void severalThreadsReadAtOnce() throws Exception {
        Box.write(folder(), PACKED, 2, List.of(7, 5, 9));
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder())) {
            List<Future<?>> readings = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                long firstRow = i * 5;
                readings.add(threads.submit(() -> check(source, firstRow, 13)));
            }
            for (Future<?> reading : readings) {
                reading.get();
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void moreShardsThanMayBeOpenAreReadAgainAndAgain() throws IOException {
        List<Integer> shards = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            shards.add(2);
        }
        Box.write(folder(), PLAIN, 2, shards);
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder())) {
            check(source, 0, 200);
            check(source, 41, 3);
        }
    }

    @Test
    void memoryOfAClosedBatchGoesToTheNext() throws IOException {
        Box.write(folder(), PLAIN, 2, List.of(4));
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder())) {
            TokenBatch batch = source.read(0, 2);
            batch.close();
            batch.close();
            assertThatThrownBy(batch::inputs)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
            check(source, 2, 2);
            check(source, 1, 1);
        }
    }

    @Test
    void batchOfArraysIsTheBatchOfAShard() throws IOException {
        Box.write(folder(), PLAIN, 2, List.of(4));
        int[][] inputs = new int[4][];
        int[][] targets = new int[4][];
        for (int row = 0; row < 4; row++) {
            inputs[row] = Box.inputs(PLAIN, row).get(0);
            targets[row] = Box.targets(PLAIN, row).get(0);
        }
        try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder());
                TokenBatch expected = source.read(0, 4);
                TokenBatch batch = TokenBatch.of(PLAIN, 0, inputs, targets)) {
            assertSame(batch, expected);
        }
    }

    @Test
    void whatIsNoRowIsRefused() {
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, 0, new int[][] {{1, 2, 3, 4, 5, 6}}, new int[][] {{1}}))
                .hasMessageContaining("6 inputs does not fit the 5");
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, 0, new int[][] {{1, 0, 3}}, new int[][] {{1}}))
                .hasMessageContaining("id 0 at position 1 of the inputs");
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, 0, new int[][] {{1}}, new int[][] {{-100}}))
                .hasMessageContaining("id -100 at position 0 of the targets");
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, 0, new int[][] {{1}}, new int[][] {}))
                .hasMessageContaining("1 rows");
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, 0, new int[0][], new int[0][]))
                .hasMessageContaining("0 rows");
        assertThatThrownBy(() -> TokenBatch.of(PLAIN, -1, new int[1][1], new int[1][1]))
                .hasMessageContaining("row -1");
        try (ShardWriter writer = ShardWriter.open(fileSystem(), new Path(folder(), "x"), PLAIN, 0)) {
            assertThatThrownBy(() -> writer.add(List.of(new int[1], new int[1]), List.of(new int[1], new int[1])))
                    .hasMessageContaining("2 examples in a row of a layout that is not packed");
            assertThatThrownBy(writer::entry).hasMessageContaining("not finished");
        }
        try (ShardWriter writer = ShardWriter.open(fileSystem(), new Path(folder(), "x"), PACKED, 0)) {
            assertThatThrownBy(
                            () -> writer.add(List.of(new int[] {1}, new int[1]), List.of(new int[] {1}, new int[] {1})))
                    .hasMessageContaining("Example 2 of a packed row has no inputs");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 1_000, 2_000, 2_500})
    void fullDiskLeavesNoShard(int room) throws IOException {
        FileSystem full = FullDisk.open(room);
        Path file = new Path(folder(), "part.arrow");

        assertThatThrownBy(() -> {
                    try (ShardWriter writer = ShardWriter.open(full, file, PLAIN, 0, 2)) {
                        for (int row = 1; row <= 5; row++) {
                            writer.add(new int[] {row}, new int[] {row});
                        }
                    }
                })
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("part.arrow (No space left on device)");

        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void cursorCountsRowsAndNeverRestarts() {
        assertThat(DataCursor.START.advance(7).advance(5)).isEqualTo(new DataCursor(12));
        assertThatThrownBy(() -> new DataCursor(-1)).hasMessageContaining("row -1");
        assertThatThrownBy(() -> DataCursor.START.advance(-1)).hasMessageContaining("-1 rows");
    }

    static void check(ShardSource source, long firstRow, int rows) {
        long targetTokens = 0;
        try (TokenBatch batch = source.read(firstRow, rows)) {
            assertThat(batch.firstRow()).isEqualTo(firstRow);
            List<List<int[]>> inputs = new ArrayList<>();
            List<List<int[]>> targets = new ArrayList<>();
            for (int row = 0; row < rows; row++) {
                inputs.add(Box.inputs(source.layout(), (firstRow + row) % source.rows()));
                targets.add(Box.targets(source.layout(), (firstRow + row) % source.rows()));
            }
            try (TokenBatch expected = TokenBatch.ofPacked(source.layout(), firstRow, inputs, targets)) {
                assertSame(batch, expected);
            }
            for (int tokens : batch.targetTokens()) {
                targetTokens += tokens;
            }
        }
        assertThat(source.targetTokens(firstRow, rows)).isEqualTo(targetTokens);
    }

    private static void assertSame(TokenBatch batch, TokenBatch expected) {
        assertThat(batch.inputs()).isEqualTo(expected.inputs());
        assertThat(batch.targets()).isEqualTo(expected.targets());
        assertThat(batch.inputSegments()).isEqualTo(expected.inputSegments());
        assertThat(batch.targetSegments()).isEqualTo(expected.targetSegments());
        assertThat(batch.inputPositions()).isEqualTo(expected.inputPositions());
        assertThat(batch.targetPositions()).isEqualTo(expected.targetPositions());
        assertThat(batch.inputTokens()).isEqualTo(expected.inputTokens());
        assertThat(batch.targetTokens()).isEqualTo(expected.targetTokens());
    }

    private void write(ShardLayout layout, int[][] inputs, int[][] targets) {
        ShardWriter writer = ShardWriter.open(fileSystem(), new Path(folder(), "part.arrow"), layout, 0);
        try (writer) {
            for (int row = 0; row < inputs.length; row++) {
                writer.add(inputs[row], targets[row]);
            }
        }
        finish(layout, writer);
    }

    private void finish(ShardLayout layout, ShardWriter writer) {
        dev.sparkswitch.base.Manifests.write(
                fileSystem(),
                folder(),
                dev.sparkswitch.base.Manifest.builder("shards")
                        .properties(layout.properties())
                        .file(writer.entry())
                        .build());
    }

    private Path folder() {
        return new Path(temporary.toUri());
    }

    private FileSystem fileSystem() {
        try {
            return folder().getFileSystem(Box.CONFIGURATION);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static int[] array(IntBuffer buffer) {
        assertThat(buffer.isDirect()).isTrue();
        int[] values = new int[buffer.remaining()];
        buffer.get(values);
        return values;
    }
}
