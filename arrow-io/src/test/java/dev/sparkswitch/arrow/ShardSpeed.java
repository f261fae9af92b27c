package dev.sparkswitch.arrow;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Measures how fast shards are written and read: {@code ShardSpeed FOLDER}, which must not exist and is left for a look. */
final class ShardSpeed {
    private static final ShardLayout LAYOUT = new ShardLayout(512, 114, Packing.NONE);
    private static final int SHARDS = 4;
    private static final int ROWS = 25_000;

    private ShardSpeed() {}

    public static void main(String[] arguments) throws IOException {
        java.nio.file.Path local = java.nio.file.Path.of(arguments[0]);
        Files.createDirectory(local);
        Path folder = new Path(local.toUri());
        Configuration configuration = new Configuration();
        write(folder, folder.getFileSystem(configuration));
        for (int batchRows : new int[] {8, 64, 512}) {
            for (int pass = 0; pass < 4; pass++) {
                try (ShardSource source = ShardSource.open(configuration, folder)) {
                    read(source, batchRows, "first pass, verifying");
                    read(source, batchRows, "second pass");
                }
            }
        }
    }

    private static void write(Path folder, FileSystem fileSystem) {
        int[] inputs = new int[512];
        int[] targets = new int[114];
        Arrays.fill(inputs, 17);
        Arrays.fill(targets, 18);
        Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS).properties(LAYOUT.properties());
        long start = System.nanoTime();
        for (int shard = 0; shard < SHARDS; shard++) {
            Path file = new Path(folder, "part-" + shard + ".arrow");
            ShardWriter writer = ShardWriter.open(fileSystem, file, LAYOUT, (long) shard * ROWS);
            try (writer) {
                for (int row = 0; row < ROWS; row++) {
                    inputs[row % 512] = 1 + row;
                    writer.add(inputs, targets);
                }
            }
            manifest.file(writer.entry());
        }
        Manifests.write(fileSystem, folder, manifest.build());
        print("write", SHARDS * ROWS, start);
    }

    private static void read(ShardSource source, int batchRows, String what) {
        long start = System.nanoTime();
        long sum = 0;
        for (long row = 0; row < source.rows(); row += batchRows) {
            try (TokenBatch batch = source.read(row, batchRows)) {
                sum += batch.inputs().get(0) + batch.targetPositions().get(1);
            }
        }
        print("batches of " + batchRows + ", " + what + " (sum " + sum + ")", source.rows(), start);
    }

    private static void print(String what, long rows, long start) {
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                Locale.ROOT,
                "%s: %,.0f rows/s, %.2f GB/s of tokens%n",
                what,
                rows / seconds,
                rows * 626 * 4 / seconds / 1e9);
    }
}
