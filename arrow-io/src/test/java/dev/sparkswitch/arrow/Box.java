package dev.sparkswitch.arrow;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A box of shards for tests: row r holds tokens that follow from r alone, so every reading can be checked. */
final class Box {
    static final Configuration CONFIGURATION = dev.sparkswitch.base.RemoteFileSystem.configuration();

    private Box() {}

    /** Writes shards of the given sizes with their manifest. */
    static Manifest write(Path folder, ShardLayout layout, int rowsPerBlock, List<Integer> shardRows)
            throws IOException {
        FileSystem fileSystem = folder.getFileSystem(CONFIGURATION);
        List<Manifest.Entry> entries = new ArrayList<>();
        long row = 0;
        for (int shard = 0; shard < shardRows.size(); shard++) {
            Path file = new Path(folder, String.format("data/part-%05d.arrow", shard));
            ShardWriter writer = ShardWriter.open(fileSystem, file, layout, row, rowsPerBlock);
            try (writer) {
                for (int i = 0; i < shardRows.get(shard); i++) {
                    writer.add(inputs(layout, row), targets(layout, row));
                    row++;
                }
            }
            entries.add(writer.entry(folder));
        }
        Manifest manifest = Manifest.builder(Manifest.SHARDS)
                .properties(layout.properties())
                .count("rows", row)
                .files(entries)
                .build();
        Manifests.write(fileSystem, folder, manifest);
        return manifest;
    }

    static List<int[]> inputs(ShardLayout layout, long row) {
        return examples(layout, layout.inputLength(), row, 1);
    }

    static List<int[]> targets(ShardLayout layout, long row) {
        return examples(layout, layout.targetLength(), row, 2);
    }

    /** One example of up to {@code length} tokens, or as many examples of one or more tokens as the row's number says. */
    private static List<int[]> examples(ShardLayout layout, int length, long row, int side) {
        int examples = layout.packing() == Packing.NONE ? 1 : 1 + (int) (row % 3);
        examples = Math.min(examples, Math.min(layout.inputLength(), layout.targetLength()));
        int longest = length / examples;
        List<int[]> result = new ArrayList<>();
        for (int e = 0; e < examples; e++) {
            int[] tokens = new int[1 + (int) ((row * 7 + e * 3 + side) % longest)];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = 1 + (int) ((row * 31 + e * 101 + i * 17 + side) % 30_000);
            }
            result.add(tokens);
        }
        return result;
    }
}
