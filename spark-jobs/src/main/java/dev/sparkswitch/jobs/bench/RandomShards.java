package dev.sparkswitch.jobs.bench;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Shards of rows without padding, of tokens as likely as each other. */
final class RandomShards {
    private static final int FIRST_TOKEN = 2;

    private RandomShards() {}

    /** Writes a box of {@code rows} rows with ids below {@code vocabulary}. */
    static void write(Configuration hadoop, Path box, int rows, int inputLength, int targetLength, int vocabulary)
            throws IOException {
        FileSystem files = box.getFileSystem(hadoop);
        ShardLayout layout = new ShardLayout(inputLength, targetLength, Packing.NONE);
        ShardWriter writer = ShardWriter.open(files, new Path(box, "0.arrow"), layout, 0);
        try (writer) {
            for (int row = 0; row < rows; row++) {
                writer.add(
                        tokens(RandomStream.SAMPLING.at(rows, row, 0), inputLength, vocabulary),
                        tokens(RandomStream.SAMPLING.at(rows, row, 1), targetLength, vocabulary));
            }
        }
        Manifests.write(
                files,
                box,
                Manifest.builder(Manifest.SHARDS)
                        .count("rows", rows)
                        .properties(layout.properties())
                        .property(ShardLayout.VOCABULARY, "none")
                        .property(ShardLayout.VOCABULARY_SIZE, vocabulary)
                        .file(writer.entry())
                        .build());
    }

    private static int[] tokens(Philox random, int length, int vocabulary) {
        int[] tokens = new int[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = FIRST_TOKEN + (int) (random.uniform(i) * (vocabulary - FIRST_TOKEN));
        }
        return tokens;
    }
}
