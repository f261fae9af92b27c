package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.hash;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.when;

import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/** Writes a corpus's documents as Parquet files, a folder a split, whose names and rows follow from the content alone. */
final class ParquetFiles {
    private final Steps steps;
    private final OutputFolder output;

    ParquetFiles(Steps steps, OutputFolder output) {
        this.steps = steps;
        this.output = output;
    }

    /**
     * Writes {@code files} files for training and some more for what is held out, documents spread over them by id and in
     * order of it.
     *
     * @param heldout the share of documents that is held out
     * @param totals gets the number of documents of each split
     */
    List<Manifest.Entry> write(Dataset<Row> corpus, int files, double heldout, Map<String, Long> totals) {
        int heldoutFiles = (int) Math.max(1, Math.round(files * heldout));
        Column file = when(col(Corpus.SPLIT).equalTo(Split.TRAIN.text()), pmod(hash(col(Corpus.ID)), lit(files)))
                .otherwise(pmod(hash(col(Corpus.ID)), lit(heldoutFiles)).plus(files));
        steps.run("write", () -> {
            corpus.repartitionById(files + heldoutFiles, file)
                    .sortWithinPartitions(Corpus.SPLIT, Corpus.ID, Corpus.URL, Corpus.SOURCE, Corpus.POSITION)
                    .write()
                    .partitionBy(Corpus.SPLIT)
                    .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
                    .mode("append")
                    .parquet(output.data().toString());
            return null;
        });
        Map<String, SortedMap<String, Long>> counts = countsByFile(rename());
        List<Manifest.Entry> entries = new ArrayList<>();
        counts.forEach((name, fileCounts) -> {
            entries.add(Manifests.entry(output.files(), output.folder(), OutputFolder.DATA + "/" + name, fileCounts));
            fileCounts.forEach((count, documents) -> totals.merge(count, documents, Long::sum));
        });
        return entries;
    }

    /** Gives the files that Spark named at random the names {@code part-00000.parquet} and so on. */
    private Path[] rename() {
        try {
            FileStatus[] written = output.files().globStatus(new Path(output.data(), Corpus.SPLIT + "=*/*.parquet"));
            Arrays.sort(written, Comparator.comparing(FileStatus::getPath));
            Path[] names = new Path[written.length];
            for (int i = 0; i < written.length; i++) {
                // A partition without rows has no file: its number is missing, not its successor's.
                String part = written[i].getPath().getName().replaceFirst("^(part-\\d+)-.*$", "$1");
                names[i] = new Path(written[i].getPath().getParent(), part + ".parquet");
                if (!output.files().rename(written[i].getPath(), names[i])) {
                    throw new IOException("renaming " + written[i].getPath() + " failed");
                }
            }
            return names;
        } catch (IOException e) {
            throw new ResourceException(
                    "The corpus cannot be written to " + output.folder() + " (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        }
    }

    private Map<String, SortedMap<String, Long>> countsByFile(Path[] files) {
        String[] paths = Arrays.stream(files).map(Path::toString).toArray(String[]::new);
        List<Row> rows = steps.spark()
                .read()
                .schema(new StructType().add(Corpus.SCHEMA.apply(Corpus.ID)))
                .parquet(paths)
                .groupBy(input_file_name())
                .count()
                .collectAsList();
        Map<String, SortedMap<String, Long>> counts = new TreeMap<>();
        for (Row row : rows) {
            Path file = new Path(URI.create(row.getString(0)));
            String folder = file.getParent().getName();
            String split = folder.substring(Corpus.SPLIT.length() + 1);
            counts.put(folder + "/" + file.getName(), new TreeMap<>(Map.of("documents-" + split, row.getLong(1))));
        }
        return counts;
    }
}
