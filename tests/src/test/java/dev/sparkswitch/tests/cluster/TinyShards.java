package dev.sparkswitch.tests.cluster;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/** Shards of random tokens, written without Spark. */
public final class TinyShards {
    private static final ShardLayout LAYOUT = new ShardLayout(64, 32, Packing.NONE);

    private TinyShards() {}

    /** Writes the boxes {@code train} and {@code heldout}, of {@code rows} rows each, with ids below {@code vocabulary}. */
    public static void write(Path folder, int rows, int vocabulary) throws IOException {
        box(folder.resolve("train"), rows, vocabulary, 1);
        box(folder.resolve("heldout"), rows, vocabulary, 2);
    }

    private static void box(Path folder, int rows, int vocabulary, long seed) throws IOException {
        FileSystem files = FileSystem.getLocal(new Configuration(false));
        org.apache.hadoop.fs.Path box = new org.apache.hadoop.fs.Path(folder.toUri());
        ShardWriter writer = ShardWriter.open(files, new org.apache.hadoop.fs.Path(box, "0.arrow"), LAYOUT, 0);
        try (writer) {
            for (int row = 0; row < rows; row++) {
                writer.add(
                        tokens(RandomStream.SAMPLING.at(seed, row, 0), LAYOUT.inputLength(), vocabulary),
                        tokens(RandomStream.SAMPLING.at(seed, row, 1), LAYOUT.targetLength(), vocabulary));
            }
        }
        Manifests.write(
                files,
                box,
                Manifest.builder(Manifest.SHARDS)
                        .count("rows", rows)
                        .properties(LAYOUT.properties())
                        .property(ShardLayout.VOCABULARY, "sha256:random")
                        .property(ShardLayout.VOCABULARY_SIZE, vocabulary)
                        .file(writer.entry())
                        .build());
    }

    private static int[] tokens(Philox random, int length, int vocabulary) {
        int[] tokens = new int[length / 2 + (int) (random.uniform(0) * (length / 2 + 1))];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = 2 + (int) (random.uniform(i + 1) * (vocabulary - 2));
        }
        return tokens;
    }
}
