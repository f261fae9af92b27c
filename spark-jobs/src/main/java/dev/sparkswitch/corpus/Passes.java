package dev.sparkswitch.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.corpus.input.InputConfig;
import dev.sparkswitch.corpus.input.InputPlan;
import dev.sparkswitch.corpus.input.RawDocument;
import dev.sparkswitch.corpus.input.Sources;
import dev.sparkswitch.corpus.input.Tables;
import dev.sparkswitch.corpus.input.Unit;
import dev.sparkswitch.corpus.input.UnitReader;
import dev.sparkswitch.eval.report.Histogram;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.LongAccumulator;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Takes the input through its passes. A part keeps its number from the first pass to the last, so its documents are where they
 * are needed; what travels between parts is hashes alone.
 */
final class Passes {
    static final String REASON = "reason";

    private static final int FINER = 4;
    private static final int MOST_FINER = 64;

    private static final StructType DOCUMENT = new StructType()
            .add(Corpus.TEXT, DataTypes.StringType)
            .add(Corpus.URL, DataTypes.StringType)
            .add(Corpus.SOURCE, DataTypes.StringType)
            .add(Corpus.POSITION, DataTypes.LongType)
            .add(Corpus.LANGUAGE, DataTypes.StringType)
            .add(REASON, DataTypes.StringType);

    private final Steps steps;
    private final WorkFolder work;
    private final SerializableConfiguration hadoop;
    private final List<PartSummary> summaries = new ArrayList<>();
    private final List<Parts> made = new ArrayList<>();
    private final NearDuplicateParts near;
    private int parts;

    /** @param nearDuplicates how nearly equal documents are found */
    Passes(Steps steps, WorkFolder work, NearDuplicatesConfig nearDuplicates) {
        this.steps = steps;
        this.work = work;
        this.near = new NearDuplicateParts(steps, nearDuplicates);
        this.hadoop = new SerializableConfiguration(steps.spark().sparkContext().hadoopConfiguration());
    }

    /** Runs all passes. */
    void run(List<Pass> passes, Optional<InputFiles> files, PrepareConfig config) {
        for (int i = 0; i < passes.size(); i++) {
            Pass pass = passes.get(i);
            Parts target = work.parts(hadoop, i);
            PartSummary summary = i == 0
                    ? first(pass, target, files, config)
                    : later(passes.get(i - 1), pass, made.get(i - 1), target, config);
            near.release();
            made.add(target);
            summaries.add(summary);
        }
    }

    /** What each pass did, in their order. */
    List<PartSummary> summaries() {
        return summaries;
    }

    private PartSummary first(Pass pass, Parts target, Optional<InputFiles> files, PrepareConfig config) {
        InputConfig input = config.input();
        double sample = config.sample().orElse(0.0);
        if (input.isTable()) {
            // Where a query is asked again its rows may come in another order: then a part of them is not what it was.
            return table(pass, target, files, config, sample);
        }
        List<Unit> units = InputPlan.of(
                hadoop.value(),
                files.orElseThrow().named(),
                input.format(),
                work.partitions(),
                // Who says how many partitions there are to be gets as many.
                config.partitions() > 0 ? InputPlan.Grain.EXACT : InputPlan.Grain.FINE);
        if (sample >= 1) {
            units = some(units, Sampling.parts((long) sample, units.size()));
        }
        List<Unit> read = units;
        parts = read.size();
        Sampling sampling = sampling(sample, parts);
        SerializableConfiguration settings = hadoop;
        return go(pass, target, config, sampling, task -> context()
                .parallelize(read, parts)
                .mapPartitionsWithIndex(
                        (part, mine) -> {
                            try (UnitReader rows = new UnitReader(settings.value(), mine.next(), input)) {
                                return List.of(task.first(part, rows).toJson()).iterator();
                            }
                        },
                        true));
    }

    private PartSummary table(
            Pass pass, Parts target, Optional<InputFiles> files, PrepareConfig config, double sample) {
        InputConfig input = config.input();
        SparkSession spark = steps.spark();
        files.ifPresent(found -> {
            // The same files make the same partitions, wherever they are read.
            long wanted = Math.min(128L << 20, Math.max(1, found.bytes() / work.partitions() + 1));
            spark.conf().set("spark.sql.files.minPartitionNum", "1");
            spark.conf().set("spark.sql.files.maxPartitionBytes", Long.toString(wanted));
            spark.conf().set("spark.sql.files.openCostInBytes", Long.toString(Math.min(256 << 10, wanted)));
        });
        String[] paths = files.map(InputFiles::paths).orElse(new String[0]);
        Sources sources = files.map(InputFiles::sources).orElse(new Sources(List.of()));
        boolean isFiles = files.isPresent();
        JavaRDD<Row> rows = Tables.read(spark, paths, input).toJavaRDD();
        parts = rows.getNumPartitions();
        if (!isFiles && finished(target).isEmpty()) {
            work.forget(0);
            work.parts(hadoop, 0);
        }
        return go(
                pass,
                target,
                config,
                sampling(sample, parts),
                task -> rows.mapPartitionsWithIndex(
                        (part, mine) -> List.of(task.first(part, new TableRows(mine, sources, isFiles, input))
                                        .toJson())
                                .iterator(),
                        true));
    }

    private static Sampling sampling(double sample, int parts) {
        return sample >= 1 ? Sampling.rows((long) sample, parts) : Sampling.share(sample > 0 ? sample : 1);
    }

    /** So many of the units, far apart. */
    private static List<Unit> some(List<Unit> units, int wanted) {
        List<Unit> some = new ArrayList<>();
        for (int i = 0; i < wanted; i++) {
            some.add(units.get((int) ((long) i * units.size() / wanted)));
        }
        return some;
    }

    private PartSummary later(Pass before, Pass pass, Parts source, Parts target, PrepareConfig config) {
        Pass.Unique unique = before.unique();
        return go(pass, target, config, Sampling.share(1), task -> {
            JavaRDD<Row> extra =
                    switch (unique) {
                        case NEAR -> near.find(source, parts, work.partitions());
                        case NOTHING, URL, LINE, TEXT ->
                            Duplicates.find(steps.spark(), source, parts, unique, sorted(work.partitions()));
                    };
            return extra.mapPartitionsWithIndex(
                    (part, mine) -> List.of(
                                    task.later(part, source, unique, mine).toJson())
                            .iterator(),
                    true);
        });
    }

    /** Partitions to sort in: more of them on small hosts, where a line that is on every page makes one of them long. */
    private static int sorted(int partitions) {
        return Math.max(partitions, Math.min(FINER * partitions, MOST_FINER));
    }

    private PartSummary go(
            Pass pass, Parts target, PrepareConfig config, Sampling sampling, Function<PassTask, JavaRDD<String>> job) {
        Optional<List<PartSummary>> finished = finished(target);
        List<PartSummary> all;
        if (finished.isPresent()) {
            all = finished.get();
        } else {
            LongAccumulator read = steps.spark().sparkContext().longAccumulator("documents");
            LongAccumulator dropped = steps.spark().sparkContext().longAccumulator("documents dropped");
            PassTask task = new PassTask(
                    pass, target, new PassTask.Settings(config.dropped(), config.strict(), sampling), read, dropped);
            all = new ArrayList<>();
            JavaRDD<String> made = job.apply(task);
            for (String json : steps.run(pass.name(), read, dropped, made::collect)) {
                try {
                    all.add(PartSummary.fromJson(json));
                } catch (JsonProcessingException e) {
                    throw new InternalException("a summary of " + pass.name() + " cannot be read", e);
                }
            }
        }
        PartSummary sum = PartSummary.empty(Histogram.BINS);
        all.forEach(sum::add);
        return sum;
    }

    /** The summaries of all parts, if all are there. */
    private Optional<List<PartSummary>> finished(Parts target) {
        List<PartSummary> all = new ArrayList<>();
        for (int part = 0; part < parts; part++) {
            Optional<PartSummary> summary = target.finished(part);
            if (summary.isEmpty()) {
                return Optional.empty();
            }
            all.add(summary.get());
        }
        return Optional.of(all);
    }

    private JavaSparkContext context() {
        return JavaSparkContext.fromSparkContext(steps.spark().sparkContext());
    }

    /** The documents that the last pass left. */
    Dataset<Row> documents() {
        Parts last = made.get(made.size() - 1);
        JavaRDD<Row> rows = context()
                .parallelize(IntStream.range(0, parts).boxed().toList(), parts)
                .flatMap(part -> new Documents(last, part, Fate.KEPT));
        return steps.spark().createDataFrame(rows, DOCUMENT).drop(REASON);
    }

    /** The documents that were dropped by any pass, with the reason, if they were kept for that. */
    Dataset<Row> dropped() {
        List<Parts> all = new ArrayList<>(made);
        int each = parts;
        int files = each * all.size();
        JavaRDD<Row> rows = context()
                .parallelize(IntStream.range(0, files).boxed().toList(), files)
                .flatMap(file -> new Documents(all.get(file / each), file % each, Fate.DROPPED));
        return steps.spark().createDataFrame(rows, DOCUMENT);
    }

    /** Which of a part's documents. */
    private enum Fate {
        KEPT,
        DROPPED
    }

    /** The rows of a part of a table. */
    private record TableRows(Iterator<Row> rows, Sources sources, boolean isFiles, InputConfig input)
            implements Iterator<RawDocument> {
        @Override
        public boolean hasNext() {
            return rows.hasNext();
        }

        @Override
        public RawDocument next() {
            Row row = rows.next();
            String source = row.getString(2);
            return Tables.document(row, isFiles ? sources.name(new Path(URI.create(source))) : source, input);
        }
    }

    /** The documents of a file of a part. */
    private static final class Documents implements Iterator<Row> {
        private final DocumentFile.Reader reader;
        private final Parts parts;
        private PlacedDocument next;

        Documents(Parts parts, int part, Fate fate) throws IOException {
            this.parts = parts;
            PartSummary summary = parts.finished(part).orElseThrow();
            String name =
                    switch (fate) {
                        case KEPT -> summary.documents();
                        case DROPPED -> summary.dropped();
                    };
            reader = new DocumentFile.Reader(parts.files(), parts.file(name));
            next = reader.next();
        }

        @Override
        public boolean hasNext() {
            return next != null;
        }

        @Override
        public Row next() {
            if (next == null) {
                throw new NoSuchElementException("no document is left");
            }
            PlacedDocument document = next;
            try {
                next = reader.next();
                if (next == null) {
                    reader.close();
                }
            } catch (IOException e) {
                throw parts.unwritable(e);
            }
            return RowFactory.create(
                    document.text(),
                    document.url(),
                    document.source(),
                    document.position(),
                    document.language(),
                    document.reason());
        }
    }
}
