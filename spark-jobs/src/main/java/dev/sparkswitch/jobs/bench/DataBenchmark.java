package dev.sparkswitch.jobs.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Batch;
import dev.sparkswitch.corpus.BatchConfig;
import dev.sparkswitch.corpus.BatchResult;
import dev.sparkswitch.corpus.Corpus;
import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.corpus.Prepare;
import dev.sparkswitch.corpus.PrepareConfig;
import dev.sparkswitch.corpus.Vocab;
import dev.sparkswitch.corpus.VocabConfig;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Times the stages of the corpus pipeline, each as a person would run it, on one core and on several, and raw SentencePiece
 * on the same text before and after. Rates are bytes of text in UTF-8, a million of them a MB; those a core count the
 * processor time of the whole process, so what else runs on the host changes them little. While a number of cores is measured
 * the whole process is kept to so many.
 */
public final class DataBenchmark {
    /** What is measured. */
    public enum Stage {
        /** {@code prepare} with the preset c4, without language identification. */
        C4,
        /** The same with it. */
        C4_LANGUAGE,
        /** The first with near-duplicate removal. */
        C4_NEAR_DUPLICATES,
        /** {@code batch}: tokenizing, corrupting and writing shards. */
        BATCH,
        /** Reading shards, by one thread. */
        READ
    }

    /**
     * @param text given text, or made-up pages
     * @param bytes of made-up pages
     * @param cores one run for each
     * @param vocabulary pieces
     * @param inputs tokens of a row
     */
    public record Plan(
            Optional<String> text, long bytes, List<Integer> cores, List<Stage> stages, int vocabulary, int inputs) {}

    /** Made-up pages that are run through everything first, so that what is measured is compiled. */
    private static final long WARM_UP_BYTES = 60_000_000;
    /** Text that raw SentencePiece is measured with. */
    private static final long RAW_BYTES = 16_000_000;

    private static final int ROWS_READ_AT_ONCE = 64;
    private static final double MEGA = 1e6;

    private final Plan plan;
    private final Path folder;
    private final Configuration hadoop;
    private final DataReport report;

    private DataBenchmark(Plan plan, Path folder, Configuration hadoop, PrintWriter out) {
        this.plan = plan;
        this.folder = folder;
        this.hadoop = hadoop;
        this.report = new DataReport(out);
    }

    /**
     * Measures and prints a line a stage.
     *
     * @param folder for the files
     * @param sparkOn Spark on a number of cores, in this process
     */
    public static void run(
            Plan plan, Path folder, IntFunction<SparkSession> sparkOn, Configuration hadoop, PrintWriter out)
            throws Exception {
        new DataBenchmark(plan, folder, hadoop, out).run(sparkOn);
    }

    /** Removes a folder and all that is in it. */
    public static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private void run(IntFunction<SparkSession> sparkOn) throws Exception {
        Path warmUp = folder.resolve("warm-up-text");
        delete(warmUp);
        PagesOfText.write(warmUp, Math.min(plan.bytes(), WARM_UP_BYTES));
        String text = plan.text().orElseGet(() -> folder.resolve("text").toString());
        if (plan.text().isEmpty()) {
            delete(folder.resolve("text"));
            PagesOfText.write(folder.resolve("text"), plan.bytes());
        }
        report.head();
        for (int cores : plan.cores()) {
            SparkSession spark = sparkOn.apply(cores);
            Path work = folder.resolve("work-" + cores);
            delete(work);
            warmUp(spark, warmUp, text, work);
            try (ProcessCores processor = new ProcessCores()) {
                if (!processor.keepTo(cores)) {
                    report.note("There is no taskset: compiler and collector have all cores, Spark " + cores + ".");
                }
                measure(spark, cores, text, work);
            }
            delete(work);
        }
        report.scaling();
    }

    /** Goes once through what is measured, so that it is compiled, and learns the vocabulary. */
    private void warmUp(SparkSession spark, Path warmUp, String text, Path work) {
        Path learnt = work.resolve("warm-up-" + Stage.C4);
        prepare(spark, warmUp.toString(), learnt, Stage.C4);
        Path vocabulary = folder.resolve("vocabulary");
        if (!Files.exists(vocabulary)) {
            // Made-up pages are alike, so a few of them are enough to learn their pieces of.
            vocabulary(spark, plan.text().isEmpty() ? learnt : prepared(spark, text, work), vocabulary);
        }
        for (Stage stage : plan.stages()) {
            if (stage == Stage.C4_LANGUAGE || stage == Stage.C4_NEAR_DUPLICATES) {
                prepare(spark, warmUp.toString(), work.resolve("warm-up-" + stage), stage);
            }
        }
        batch(spark, learnt, work.resolve("warm-up-shards"));
    }

    private Path prepared(SparkSession spark, String text, Path work) {
        Path corpus = work.resolve("sample");
        prepare(spark, text, corpus, Stage.C4);
        return corpus;
    }

    private void vocabulary(SparkSession spark, Path corpus, Path vocabulary) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("corpus", corpus.toString());
        settings.put("output", vocabulary.toString());
        settings.put("size", plan.vocabulary());
        Vocab.run(spark, Configs.load(VocabConfig.class, settings, List.of()));
    }

    private void measure(SparkSession spark, int cores, String text, Path work) throws Exception {
        JobResult cleaned = null;
        JobResult shards = null;
        for (Stage stage : plan.stages()) {
            try (TaskTime tasks = new TaskTime(spark.sparkContext())) {
                switch (stage) {
                    case C4, C4_LANGUAGE, C4_NEAR_DUPLICATES -> {
                        JobResult prepared = prepared(spark, cores, text, work, stage, tasks);
                        cleaned = cleaned == null ? prepared : cleaned;
                    }
                    case BATCH -> {
                        cleaned = cleaned == null ? prepare(spark, text, work.resolve("sample"), Stage.C4) : cleaned;
                        shards = batched(spark, cores, cleaned, work, tasks);
                    }
                    case READ -> {
                        if (shards == null) {
                            throw new UserException(
                                    "The stage read measures the shards of batch; name batch before it in stages.");
                        }
                        JobResult train = shards;
                        long bytes = 0;
                        for (Manifest.Entry file : train.manifest().files()) {
                            bytes += file.bytes();
                        }
                        Usage usage = Usage.of(() -> read(train));
                        report.line(
                                stage,
                                cores,
                                bytes,
                                usage,
                                0,
                                train.manifest().counts().get("rows"),
                                "rows");
                    }
                }
            }
        }
    }

    private JobResult prepared(SparkSession spark, int cores, String text, Path work, Stage stage, TaskTime tasks)
            throws Exception {
        JobResult[] made = new JobResult[1];
        Usage usage = Usage.of(() -> made[0] = prepare(spark, text, work.resolve(stage.toString()), stage));
        long documents = made[0].manifest().counts().get("documents-read");
        report.line(stage, cores, inputBytes(text), usage, tasks.seconds(), documents, "documents");
        return made[0];
    }

    private JobResult batched(SparkSession spark, int cores, JobResult corpus, Path work, TaskTime tasks)
            throws Exception {
        List<String> texts = texts(spark, corpus);
        long bytes = corpus.manifest().counts().get("text-bytes");
        BatchResult[] made = new BatchResult[1];
        report.raw(raw(texts));
        double before = tasks.seconds();
        Path folder = Path.of(corpus.folder().toUri());
        Usage usage = Usage.of(() -> made[0] = batch(spark, folder, work.resolve("shards")));
        double seconds = tasks.seconds() - before;
        JobResult train = made[0].train();
        report.line(
                Stage.BATCH,
                cores,
                bytes,
                usage,
                seconds,
                train.manifest().counts().get("text-tokens"),
                "tokens");
        report.raw(raw(texts));
        report.share(bytes / MEGA / seconds);
        return train;
    }

    private long inputBytes(String text) {
        try (Stream<Path> files = Files.walk(Path.of(text))) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(DataBenchmark::size)
                    .sum();
        } catch (IOException e) {
            throw new UserException("The text " + text + " cannot be read (" + e.getMessage() + "); correct text.", e);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JobResult prepare(SparkSession spark, String text, Path output, Stage stage) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        ObjectNode input = settings.putObject("input");
        input.putArray("paths").add(text);
        boolean plain = text.endsWith(".txt") || text.endsWith(".txt.gz");
        input.put("format", plain ? "text" : "json");
        input.put("url-column", plain ? "" : "url");
        settings.put("output", output.toString());
        settings.put("preset", "c4");
        ArrayNode languages = settings.putObject("language").putArray("keep");
        if (stage == Stage.C4_LANGUAGE) {
            languages.add("en");
        }
        settings.putObject("near-duplicates").put("remove", stage == Stage.C4_NEAR_DUPLICATES);
        return Prepare.run(spark, Configs.load(PrepareConfig.class, settings, List.of()));
    }

    private BatchResult batch(SparkSession spark, Path corpus, Path output) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("corpus", corpus.toString());
        settings.put("vocabulary", folder.resolve("vocabulary").toString());
        settings.put("output", output.toString());
        settings.put("inputs", plan.inputs());
        settings.putObject("objective").put("kind", "span-corruption");
        return Batch.run(spark, Configs.load(BatchConfig.class, settings, List.of()));
    }

    private List<String> texts(SparkSession spark, JobResult corpus) {
        List<String> texts = new ArrayList<>();
        long bytes = 0;
        Iterator<String> all = Corpus.open(hadoop, corpus.folder().toString())
                .trainingTexts(spark)
                .toLocalIterator();
        while (all.hasNext() && bytes < RAW_BYTES) {
            String text = all.next();
            texts.add(text);
            bytes += text.getBytes(StandardCharsets.UTF_8).length;
        }
        return texts;
    }

    /** MB of text a second of one thread that does nothing but tokenize. */
    private double raw(List<String> texts) throws Exception {
        long bytes = 0;
        for (String text : texts) {
            bytes += text.getBytes(StandardCharsets.UTF_8).length;
        }
        try (Tokenizer tokenizer =
                Vocabulary.open(hadoop, folder.resolve("vocabulary").toString()).tokenizer()) {
            Usage usage = Usage.of(() -> {
                for (String text : texts) {
                    tokenizer.encode(text);
                }
            });
            return bytes / MEGA / usage.coreSeconds();
        }
    }

    private void read(JobResult shards) {
        long sum = 0;
        try (ShardSource source = ShardSource.open(hadoop, shards.folder())) {
            for (long row = 0; row < source.rows(); row += ROWS_READ_AT_ONCE) {
                int rows = (int) Math.min(ROWS_READ_AT_ONCE, source.rows() - row);
                try (TokenBatch batch = source.read(row, rows)) {
                    // Every token is looked at, as a trainer's upload does.
                    for (int i = 0; i < rows * batch.inputLength(); i++) {
                        sum += batch.inputs().get(i);
                    }
                    for (int i = 0; i < rows * batch.targetLength(); i++) {
                        sum += batch.targets().get(i);
                    }
                }
            }
        }
        if (sum == 0) {
            throw new UserException("The shards in " + shards.folder() + " hold no token; give more text.");
        }
    }
}
