package dev.sparkswitch.corpus;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Makes the examples of one shard, which come in their order, and writes it; runs in a Spark task.
 *
 * @param folder of the box
 * @param notes says what was written, once it is
 * @param firstRows the global row that each shard begins with
 * @param written counts examples
 */
record ShardTask(
        SerializableConfiguration hadoop,
        String folder,
        Form form,
        Recipe recipe,
        ShardNotes notes,
        long[] firstRows,
        LongAccumulator written)
        implements Serializable {

    /** A shard's layout in a form that Spark can send. */
    record Form(int inputLength, int targetLength, Packing packing) implements Serializable {
        ShardLayout layout() {
            return new ShardLayout(inputLength, targetLength, packing);
        }
    }

    /** What one or several tasks wrote. */
    record Written(TreeMap<Integer, ShardNotes.Entry> entries, RowStatistics statistics) implements Serializable {
        static Written of(ShardNotes.Note note) {
            return new Written(new TreeMap<>(Map.of(note.shard(), note.entry())), note.statistics());
        }

        Written merge(Written other) {
            entries.putAll(other.entries);
            statistics.merge(other.statistics);
            return this;
        }

        /** In order of their rows. */
        List<Manifest.Entry> files() {
            return entries.values().stream().map(ShardNotes.Entry::asManifest).toList();
        }
    }

    /** The rows that the examples of one shard fill: packing decides. Empty for a partition without examples. */
    static Iterator<long[]> countRows(Iterator<Row> examples, Form form, Recipe recipe) {
        if (!examples.hasNext()) {
            return List.<long[]>of().iterator();
        }
        AtomicLong rows = new AtomicLong();
        RowPacker packer = new RowPacker(form.layout(), (inputs, targets) -> rows.incrementAndGet());
        int shard = 0;
        while (examples.hasNext()) {
            Row row = examples.next();
            shard = BucketPass.shard(row);
            packer.add(recipe.example(BucketPass.example(row), BucketPass.place(row)));
        }
        packer.finish();
        return List.of(new long[] {shard, rows.get()}).iterator();
    }

    /** Writes the shard whose examples one partition has, and a note of it. */
    Iterator<Written> write(Iterator<Row> examples) {
        if (!examples.hasNext()) {
            return List.<Written>of().iterator();
        }
        Path box = new Path(folder);
        ShardLayout layout = form.layout();
        Row first = examples.next();
        int shard = BucketPass.shard(first);
        RowStatistics statistics =
                new RowStatistics(shard, layout, recipe.parts().size(), recipe.vocabularySize());
        Path file = new Path(box, String.format(Locale.ROOT, "%s/%05d.arrow", OutputFolder.DATA, shard));
        try {
            FileSystem files = box.getFileSystem(hadoop.value());
            ShardWriter writer = ShardWriter.open(files, file, layout, firstRows[shard]);
            try (writer) {
                RowPacker packer = new RowPacker(layout, (inputs, targets) -> {
                    writer.add(inputs, targets);
                    statistics.addRow(inputs, targets);
                });
                for (Row row = first; row != null; row = examples.hasNext() ? examples.next() : null) {
                    Objective.Example example = recipe.example(BucketPass.example(row), BucketPass.place(row));
                    statistics.addExample(recipe, recipe.source(row.getInt(2)), example);
                    packer.add(example);
                    written.add(1);
                }
                packer.finish();
            }
            ShardNotes.Note note = ShardNotes.Note.of(shard, writer.entry(box), statistics);
            notes.write(note);
            return List.of(Written.of(note)).iterator();
        } catch (IOException e) {
            throw new ResourceException(
                    "The shards cannot be written to " + folder + " (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        }
    }
}
