package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.conv;
import static org.apache.spark.sql.functions.md5;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.when;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.input.InputConfig;
import dev.sparkswitch.corpus.input.Tables;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The job that makes a corpus of raw text: reads it, cleans it by rules, removes duplicates, holds a part out of
 * training and counts every drop by its reason. What comes out does not depend on how Spark partitions the work. A run that
 * was stopped goes on behind the parts that were done.
 */
public final class Prepare {
    /** The manifest's property with the counters of drops in the order of the rules, parted by blanks. */
    public static final String FUNNEL = "funnel";

    /** The page with what became of the text. */
    public static final String REPORT = "report.html";

    private static final String DROPPED = "dropped";
    private static final String READ = "documents-read";
    private static final String EMPTY_FILES = "files-empty";

    private final Steps steps;
    private final PrepareConfig config;
    private final List<Pass> passes;
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<String> funnel = new ArrayList<>();

    private Prepare(Steps steps, PrepareConfig config, List<Pass> passes) {
        this.steps = steps;
        this.config = config;
        this.passes = passes;
    }

    /**
     * @throws UserException if the input is missing, empty or not of its format, if no document is left, or if the
     *     output folder holds something else
     */
    public static JobResult run(SparkSession spark, PrepareConfig config) {
        return run(() -> spark, spark.sparkContext().hadoopConfiguration(), config);
    }

    /** The same; Spark starts when everything that needs none is checked. */
    public static JobResult run(Supplier<SparkSession> spark, Configuration hadoop, PrepareConfig config) {
        long began = System.nanoTime();
        InputConfig input = config.input();
        Optional<InputFiles> files =
                input.paths().isEmpty() ? Optional.empty() : Optional.of(InputFiles.find(hadoop, input.paths()));
        OutputFolder output = new OutputFolder(hadoop, new Path(config.output()));
        BadWordsFile words = BadWordsFile.read(hadoop, config.rules());
        EvaluationFiles evaluation = EvaluationFiles.find(hadoop, config.decontaminate());
        // What the settings ask for in vain is said before Spark starts.
        Pipeline.of(config, words.words(), List.of());
        JsonNode settings = Configs.toTree(config);
        List<Manifest.Input> inputs = new ArrayList<>(words.inputs());
        inputs.addAll(evaluation.asInputs(hadoop));
        if (files.isPresent()) {
            inputs.addAll(files.get().asInputs(hadoop));
        } else {
            inputs.add(Tables.asInput(spark.get(), input));
        }
        Optional<JobResult> finished = output.finished(Manifest.CORPUS, settings, inputs);
        if (finished.isPresent()) {
            return finished.get();
        }
        output.begin();
        SparkSession session = spark.get();
        Steps steps = Steps.of(session, "prepare", Steps.partitions(session, config.partitions()));
        try {
            List<Pass> passes = Pipeline.of(config, words.words(), evaluation.rules(steps.spark()));
            Prepare prepare = new Prepare(steps, config, passes);
            WorkFolder work = WorkFolder.open(output, settings, inputs, Steps.partitions(session, config.partitions()));
            Passes done = new Passes(steps, work, config.nearDuplicates());
            done.run(passes, files, config);
            prepare.count(done.summaries(), files);
            List<Manifest.Entry> written = prepare.write(done, output);
            Manifest.Builder manifest = Manifest.builder(Manifest.CORPUS)
                    .config(settings)
                    .counts(prepare.counts)
                    .property(FUNNEL, String.join(" ", prepare.funnel))
                    .files(written);
            inputs.forEach(manifest::input);
            double seconds = (System.nanoTime() - began) / 1e9;
            new PrepareReport(config, prepare.counts, prepare.funnel, done.summaries(), seconds).write(output);
            JobResult result = output.commit(manifest.build());
            work.remove();
            return result;
        } catch (Exception e) {
            throw Failures.explained(e, "the input");
        }
    }

    /** Sums what the passes counted, and puts the reasons of drops into the order in which they are met. */
    private void count(List<PartSummary> summaries, Optional<InputFiles> files) {
        for (int i = 0; i < passes.size(); i++) {
            Pass pass = passes.get(i);
            for (String name : PassTask.counters(pass)) {
                Long count = summaries.get(i).counts().get(name);
                if (count != null) {
                    counts.merge(name, count, i == 0 || isOfOnePass(name) ? (before, now) -> now : Long::sum);
                }
                if (name.startsWith(Tally.DROPPED) && count != null && !funnel.contains(name)) {
                    funnel.add(name);
                }
            }
            pass.rules().forEach(rule -> rule.counters().forEach(name -> counts.putIfAbsent(name, 0L)));
            String unique = PassTask.reason(pass.unique());
            if (!unique.isEmpty()) {
                counts.putIfAbsent(unique, 0L);
            }
            if (pass.unique() == Pass.Unique.LINE) {
                counts.putIfAbsent(PassTask.DUPLICATE_LINES, 0L);
            }
        }
        counts.put(READ, summaries.get(0).counts().getOrDefault(PassTask.READ, 0L));
        counts.remove(PassTask.READ);
        counts.putIfAbsent(PassTask.KEPT, 0L);
        counts.putIfAbsent(PassTask.TEXT_BYTES, 0L);
        files.filter(found -> found.empty() > 0).ifPresent(found -> counts.put(EMPTY_FILES, (long) found.empty()));
    }

    private static boolean isOfOnePass(String name) {
        return name.equals(PassTask.KEPT) || name.equals(PassTask.TEXT_BYTES) || name.equals(PassTask.READ);
    }

    private List<Manifest.Entry> write(Passes done, OutputFolder output) {
        PartSummary last = done.summaries().get(done.summaries().size() - 1);
        long bytes = last.counts().getOrDefault(PassTask.TEXT_BYTES, 0L);
        if (bytes == 0) {
            throw new UserException("No document is left of " + counts.get(READ) + " (" + drops()
                    + "); loosen the rules or correct input.format and input.text-column.");
        }
        Column key = when(col(Corpus.URL).equalTo(""), col(Corpus.TEXT)).otherwise(col(Corpus.URL));
        // The last digits decide on the split: buckets and order follow the first ones.
        Column fraction =
                conv(substring(md5(key), 25, 8), 16, 10).cast("double").divide(0x1p32);
        Dataset<Row> corpus = done.documents()
                .withColumn(Corpus.ID, md5(col(Corpus.TEXT)))
                .withColumn(
                        Corpus.SPLIT,
                        when(fraction.lt(config.heldout()), Split.HELD_OUT.text())
                                .otherwise(Split.TRAIN.text()))
                .selectExpr(Corpus.SCHEMA.fieldNames());
        int files = (int) Math.max(1, (bytes - 1) / config.fileSize().bytes() + 1);
        ParquetFiles writer = new ParquetFiles(steps, output);
        List<Manifest.Entry> entries = writer.write(corpus, files, config.heldout(), counts);
        if (config.dropped()) {
            writeDropped(done, output);
        }
        return entries;
    }

    /** The dropped documents as Parquet, a folder a reason: for people to look at, and no part of the corpus. */
    private void writeDropped(Passes done, OutputFolder output) {
        Dataset<Row> dropped = done.dropped();
        steps.run("dropped", () -> {
            dropped.repartition(
                            Math.max(1, steps.spark().sparkContext().defaultParallelism()),
                            col(Corpus.SOURCE),
                            col(Corpus.POSITION))
                    .sortWithinPartitions(Passes.REASON, Corpus.SOURCE, Corpus.POSITION)
                    .write()
                    .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
                    .mode("overwrite")
                    .partitionBy(Passes.REASON)
                    .parquet(new Path(output.folder(), DROPPED).toString());
            return null;
        });
    }

    private String drops() {
        List<String> drops = new ArrayList<>();
        for (String name : funnel) {
            drops.add(name + " " + counts.get(name));
        }
        return String.join(", ", drops);
    }
}
