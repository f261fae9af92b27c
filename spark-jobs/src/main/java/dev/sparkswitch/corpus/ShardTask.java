package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Corrupts the examples of whole shards, which come in their order, and writes them; runs in a Spark task.
 *
 * @param folder of the box
 * @param eosId ends both sequences
 * @param pieces ids below it are text; those above are sentinels
 */
record ShardTask(
        SerializableConfiguration hadoop,
        String folder,
        Form form,
        ShufflePlan plan,
        SpanCorruption corruption,
        long seed,
        int eosId,
        int pieces,
        int vocabularySize)
        implements Serializable {

    /** The lengths of a row; a shard's layout in a form that Spark can send. */
    record Form(int inputLength, int targetLength) implements Serializable {
        ShardLayout layout() {
            return new ShardLayout(inputLength, targetLength, Packing.NONE);
        }
    }

    /** What one or several tasks wrote. */
    static final class Written implements Serializable {
        private static final long serialVersionUID = 1L;
        private final ArrayList<FileFacts> files = new ArrayList<>();
        private final TokenStatistics targets;

        Written(int vocabularySize) {
            targets = new TokenStatistics(vocabularySize);
        }

        Written merge(Written other) {
            files.addAll(other.files);
            targets.merge(other.targets);
            return this;
        }

        /** In order of their rows. */
        List<Manifest.Entry> entries() {
            return files.stream()
                    .sorted(Comparator.comparing(FileFacts::path))
                    .map(FileFacts::entry)
                    .toList();
        }

        /** The text tokens of all targets. */
        TokenStatistics targets() {
            return targets;
        }
    }

    /** A manifest's entry in a form that Spark can send. */
    private record FileFacts(String path, long bytes, String checksum, TreeMap<String, Long> counts)
            implements Serializable {
        static FileFacts of(Manifest.Entry entry) {
            return new FileFacts(entry.path(), entry.bytes(), entry.checksum(), new TreeMap<>(entry.counts()));
        }

        Manifest.Entry entry() {
            return new Manifest.Entry(path, bytes, checksum, counts);
        }
    }

    /** Writes the shards of one partition. */
    Iterator<Written> write(Iterator<Row> examples) {
        Written written = new Written(vocabularySize);
        Path box = new Path(folder);
        ShardWriter writer = null;
        int shard = -1;
        try {
            FileSystem files = box.getFileSystem(hadoop.value());
            while (examples.hasNext()) {
                Row row = examples.next();
                long key = row.getLong(0);
                if (writer == null || plan.shard(key) != shard) {
                    finish(writer, box, written);
                    shard = plan.shard(key);
                    Path file = new Path(box, String.format(Locale.ROOT, "%s/%05d.arrow", OutputFolder.DATA, shard));
                    writer = ShardWriter.open(files, file, form.layout(), plan.firstRow(shard));
                }
                SpanCorruption.Example example = corrupt(row);
                writer.add(example.inputs(), example.targets());
                for (int token : example.targets()) {
                    if (token < pieces && token != eosId) {
                        written.targets.add(token);
                    }
                }
            }
            finish(writer, box, written);
        } catch (IOException e) {
            throw new ResourceException(
                    "The shards cannot be written to " + folder + " (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        } finally {
            if (writer != null) {
                writer.close();
            }
        }
        return List.of(written).iterator();
    }

    private SpanCorruption.Example corrupt(Row row) {
        int[] tokens = RawExamples.tokens((byte[]) row.get(3));
        boolean[] mask = corruption.mask(tokens.length, seed, row.getInt(1), row.getInt(4), row.getLong(2));
        return SpanCorruption.corrupt(tokens, mask, vocabularySize, eosId);
    }

    private static void finish(ShardWriter writer, Path box, Written written) {
        if (writer != null) {
            writer.close();
            written.files.add(FileFacts.of(writer.entry(box)));
        }
    }
}
