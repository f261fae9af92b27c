package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.conv;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.md5;
import static org.apache.spark.sql.functions.octet_length;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.functions.xxhash64;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.overlap.Components;
import dev.sparkswitch.corpus.overlap.NearDuplicates;
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
import org.apache.spark.storage.StorageLevel;

/**
 * The job that makes a corpus of raw text: reads it, cleans it by rules, removes duplicates, holds a part out of
 * training and counts every drop by its reason. What comes out does not depend on how Spark partitions the work.
 */
public final class Prepare {
    /** Documents of the corpus. */
    static final String DOCUMENTS = "documents-kept";

    private final Steps steps;
    private final PrepareConfig config;
    private final Optional<Rule> contamination;
    private final Map<String, Long> counts = new TreeMap<>();
    private final List<Dataset<Row>> held = new ArrayList<>();

    private Prepare(Steps steps, PrepareConfig config, Optional<Rule> contamination) {
        this.steps = steps;
        this.config = config;
        this.contamination = contamination;
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
        InputFiles files = InputFiles.find(hadoop, config.input().paths());
        OutputFolder output = new OutputFolder(hadoop, new Path(config.output()));
        JsonNode settings = Configs.toTree(config);
        EvaluationFiles evaluation = EvaluationFiles.find(hadoop, config.decontaminate());
        List<Manifest.Input> inputs = new ArrayList<>(files.asInputs(hadoop));
        inputs.addAll(evaluation.asInputs(hadoop));
        Optional<JobResult> finished = output.finished(Manifest.CORPUS, settings, inputs);
        if (finished.isPresent()) {
            return finished.get();
        }
        output.begin();
        SparkSession session = spark.get();
        Steps steps = Steps.of(session, "prepare", Steps.partitions(session, config.partitions()));
        Prepare prepare = new Prepare(steps, config, evaluation.rule(steps.spark()));
        try {
            Dataset<Row> documents = prepare.clean(Reader.read(steps.spark(), files, config.input()));
            List<Manifest.Entry> written = prepare.write(documents, output);
            Manifest.Builder manifest = Manifest.builder(Manifest.CORPUS)
                    .config(settings)
                    .counts(prepare.counts)
                    .files(written);
            inputs.forEach(manifest::input);
            return output.commit(manifest.build());
        } catch (Exception e) {
            throw Failures.explained(e, "the input");
        } finally {
            prepare.held.forEach(Dataset::unpersist);
        }
    }

    private Dataset<Row> clean(Dataset<Row> raw) {
        Dataset<Row> spread = raw.withColumn(Corpus.LANGUAGE, lit(""));
        int partitions = Steps.partitions(steps.spark(), config.partitions());
        if (spread.rdd().getNumPartitions() < partitions) {
            // A compressed file is read by one task; the rules are for all cores.
            spread = spread.repartition(partitions, col(Corpus.TEXT));
        }
        Dataset<Row> documents =
                switch (config.preset()) {
                    case C4 -> c4(spread);
                    case LIGHT -> light(spread);
                    case NONE -> pass("clean", spread, withLanguage(List.of(length(0, Integer.MAX_VALUE))));
                };
        return config.nearDuplicates().remove() ? withoutNearDuplicates(documents) : documents;
    }

    private Dataset<Row> withoutNearDuplicates(Dataset<Row> documents) {
        NearDuplicatesConfig settings = config.nearDuplicates();
        // The texts of C4 and light differ already: the former share no line.
        Dataset<Row> different =
                switch (config.preset()) {
                    case C4, LIGHT -> documents;
                    case NONE -> withoutEqualTexts(documents);
                };
        int partitions = Steps.partitions(steps.spark(), config.partitions());
        NearDuplicates duplicates = new NearDuplicates(settings.banding(), settings.verify(), partitions, steps::run);
        Dataset<Row> named = different.withColumn(NearDuplicates.HASH, xxhash64(col(Corpus.TEXT)));
        Dataset<Row> found = duplicates.find(named);
        held.add(found);
        Dataset<Row> unique = hold(named.join(
                        found.select(col(Components.NODE).as(NearDuplicates.HASH)),
                        new String[] {NearDuplicates.HASH},
                        "left_anti")
                .drop(NearDuplicates.HASH));
        long before = counts.get(RulesPass.KEPT);
        long after = steps.run("without near-duplicates", unique::count);
        counts.put("dropped-near-duplicate", before - after);
        counts.put(RulesPass.KEPT, after);
        return unique;
    }

    private Dataset<Row> c4(Dataset<Row> raw) {
        PrepareConfig.Rules rules = config.rules();
        int minSentences = rules.minSentences().orElse(3);
        Rule lines = new C4Lines(
                rules.maxWordCharacters().orElse(1000), rules.minLineWords().orElse(5), minSentences, rules.badWords());
        Dataset<Row> pages;
        if (config.input().urlColumn().isEmpty()) {
            pages = pass("clean", raw, List.of(length(0, 190_000), lines));
        } else {
            Dataset<Row> sized = pass("read", raw, List.of(length(0, 190_000)));
            long before = counts.get(RulesPass.KEPT);
            pages = pass("clean", Dedup.byUrl(sized), List.of(lines));
            counts.put("dropped-duplicate-url", before - counts.get(RulesPass.READ));
        }
        long pagesBefore = counts.get(RulesPass.KEPT);
        long linesBefore = lines(pages);
        Dataset<Row> unique =
                pass("line dedup", Dedup.byLine(pages), withLanguage(List.of(new SentenceRule(minSentences))));
        counts.put("dropped-no-unique-line", pagesBefore - counts.get(RulesPass.READ));
        counts.put("lines-duplicate", linesBefore - counts.get(SentenceRule.LINES));
        return unique;
    }

    private Dataset<Row> light(Dataset<Row> raw) {
        List<Rule> rules = withLanguage(List.of(new MarkupRule(), length(100, 1_000_000)));
        return withoutEqualTexts(pass("clean", raw, rules));
    }

    private Dataset<Row> withoutEqualTexts(Dataset<Row> documents) {
        Dataset<Row> unique = hold(Dedup.byText(documents));
        long before = counts.get(RulesPass.KEPT);
        long after = steps.run("dedup", unique::count);
        counts.put("dropped-duplicate-text", before - after);
        counts.put(RulesPass.KEPT, after);
        return unique;
    }

    private LengthRule length(int least, int most) {
        return new LengthRule(
                config.rules().minCharacters().orElse(least),
                config.rules().maxCharacters().orElse(most));
    }

    private List<Rule> withLanguage(List<Rule> rules) {
        List<Rule> all = new ArrayList<>(rules);
        List<String> languages = config.language().keep().orElseGet(() -> switch (config.preset()) {
            case C4 -> List.of("en");
            case LIGHT, NONE -> List.of();
        });
        if (!languages.isEmpty()) {
            all.add(LanguageRule.of(languages, config.language()));
        }
        contamination.ifPresent(all::add);
        return all;
    }

    /** Runs rules over documents and adds what they counted; the documents that are left stay at hand. */
    private Dataset<Row> pass(String step, Dataset<Row> documents, List<Rule> rules) {
        RulesPass pass = new RulesPass(rules);
        Dataset<Row> result = hold(pass.over(documents));
        boolean first = counts.isEmpty();
        Map<String, Long> counted = steps.run(step, () -> pass.counts(result));
        if (first) {
            counts.put("documents-read", counted.get(RulesPass.READ));
            counts.put(RulesPass.UNREADABLE, counted.get(RulesPass.UNREADABLE));
        }
        counted.forEach((name, count) -> {
            if (!name.equals(RulesPass.UNREADABLE)) {
                counts.put(name, count);
            }
        });
        return RulesPass.kept(result);
    }

    private Dataset<Row> hold(Dataset<Row> rows) {
        Dataset<Row> persisted = rows.persist(StorageLevel.MEMORY_AND_DISK());
        held.add(persisted);
        return persisted;
    }

    private static long lines(Dataset<Row> documents) {
        Row row = documents.agg(sum(size(split(col(Corpus.TEXT), "\n", -1)))).head();
        return row.isNullAt(0) ? 0 : row.getLong(0);
    }

    private List<Manifest.Entry> write(Dataset<Row> documents, OutputFolder output) {
        Row size = documents.agg(sum(octet_length(col(Corpus.TEXT)))).head();
        if (size.isNullAt(0)) {
            throw new UserException("No document is left of " + counts.get("documents-read") + " (" + drops()
                    + "); loosen the rules or correct input.format and input.text-column.");
        }
        long bytes = size.getLong(0);
        Column key = when(col(Corpus.URL).equalTo(""), col(Corpus.TEXT)).otherwise(col(Corpus.URL));
        // The last digits decide on the split: buckets and order follow the first ones.
        Column fraction =
                conv(substring(md5(key), 25, 8), 16, 10).cast("double").divide(0x1p32);
        Dataset<Row> corpus = documents
                .withColumn(Corpus.ID, md5(col(Corpus.TEXT)))
                .withColumn(
                        Corpus.SPLIT,
                        when(fraction.lt(config.heldout()), Split.HELD_OUT.text())
                                .otherwise(Split.TRAIN.text()))
                .selectExpr(Corpus.SCHEMA.fieldNames());
        int files = (int) Math.max(1, (bytes - 1) / config.fileSize().bytes() + 1);
        ParquetFiles writer = new ParquetFiles(steps, output);
        List<Manifest.Entry> entries = writer.write(corpus, files, counts);
        counts.put("text-bytes", bytes);
        counts.remove(RulesPass.READ);
        return entries;
    }

    private String drops() {
        List<String> drops = new ArrayList<>();
        counts.forEach((name, count) -> {
            if (name.startsWith("dropped-") && count > 0) {
                drops.add(name + " " + count);
            }
        });
        return String.join(", ", drops);
    }
}
