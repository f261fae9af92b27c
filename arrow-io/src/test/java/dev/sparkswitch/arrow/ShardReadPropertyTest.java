package dev.sparkswitch.arrow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.apache.hadoop.fs.Path;

class ShardReadPropertyTest {
    @Property(tries = 60)
    void anyRangeOfRowsIsWhatWasWritten(
            @ForAll @IntRange(min = 1, max = 12) int inputLength,
            @ForAll @IntRange(min = 1, max = 9) int targetLength,
            @ForAll Packing packing,
            @ForAll @IntRange(min = 1, max = 5) int rowsPerBlock,
            @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 0, max = 12) Integer> shardRows,
            @ForAll @Size(min = 1, max = 4) List<@LongRange(min = 0, max = 100_000_000_000L) Long> firstRows,
            @ForAll @IntRange(min = 1, max = 70) int rows)
            throws IOException {
        List<Integer> shards = new ArrayList<>(shardRows);
        shards.add(1);
        ShardLayout layout = new ShardLayout(inputLength, targetLength, packing);
        java.nio.file.Path box = Files.createTempDirectory("shards");
        try {
            Path folder = new Path(box.toUri());
            long written =
                    Box.write(folder, layout, rowsPerBlock, shards).counts().get("rows");
            try (ShardSource source = ShardSource.open(Box.CONFIGURATION, folder)) {
                assertThat(source.rows()).isEqualTo(written);
                for (long firstRow : firstRows) {
                    ShardRoundTripTest.check(source, firstRow, rows);
                }
                ShardRoundTripTest.check(source, written - 1, 2);
            }
        } finally {
            delete(box);
        }
    }

    private static void delete(java.nio.file.Path folder) throws IOException {
        try (Stream<java.nio.file.Path> files = Files.walk(folder)) {
            for (java.nio.file.Path file :
                    files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
