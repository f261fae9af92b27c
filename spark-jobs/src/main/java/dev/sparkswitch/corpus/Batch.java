package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;

/**
 * The job that makes training rows of corpora, tasks and a vocabulary: tokens of documents strung together, cut, turned into
 * examples by an objective, mixed with those of other sources, shuffled, packed if wanted, and written as Arrow shards. The
 * bytes depend on the sources, the vocabulary and the settings alone, not on the number of partitions or executors. A run
 * that was stopped goes on where it was.
 *
 * <p>The held-out box's manifest tells what a model without context loses on the text tokens of its targets, in nats a
 * token: {@value #UNIGRAM_NATS} with the training text's token frequencies, {@value #UNIGRAM_ENTROPY} with its own.
 */
public final class Batch {
    /** Property: cross entropy of the held-out targets' text under the training text's unigram distribution. */
    public static final String UNIGRAM_NATS = "heldout-unigram-nats";
    /** Property: entropy of the held-out targets' text under its own unigram distribution. */
    public static final String UNIGRAM_ENTROPY = "heldout-unigram-entropy";
    /** Count: text tokens, before corruption. */
    static final String TEXT_TOKENS = "text-tokens";
    /** Count: text tokens in the targets. */
    static final String TARGET_TEXT_TOKENS = "target-text-tokens";
    /** Count: examples; as many as rows where these are not packed. With a dot and its name: those of a source. */
    static final String EXAMPLES = "examples";

    private final Configuration hadoop;
    private final BatchConfig config;
    private final List<OpenSource> sources;
    private final Vocabulary vocabulary;
    private final JsonNode settings;
    private final List<Manifest.Input> inputs = new ArrayList<>();

    Batch(Configuration hadoop, BatchConfig config) {
        this.hadoop = hadoop;
        this.config = config;
        this.vocabulary = Vocabulary.open(hadoop, config.vocabulary());
        this.sources = OpenSource.open(hadoop, config);
        this.settings = settings(config);
        sources.forEach(source -> inputs.add(source.input()));
        inputs.add(vocabulary.asInput());
    }

    /** The settings without where sources lie: their content is what counts, and {@link #inputs} tells it. */
    private static JsonNode settings(BatchConfig config) {
        ObjectNode settings = Configs.toTree(config);
        for (JsonNode source : settings.path("sources")) {
            ((ObjectNode) source).remove(List.of("corpus", "path"));
        }
        return settings;
    }

    /**
     * @throws UserException if a source or the vocabulary is missing, if a split has no text, or if the output folder holds
     *     something else
     */
    public static BatchResult run(SparkSession spark, BatchConfig config) {
        return run(() -> spark, spark.sparkContext().hadoopConfiguration(), config);
    }

    /** The same; Spark starts when everything that needs none is checked. */
    public static BatchResult run(Supplier<SparkSession> spark, Configuration hadoop, BatchConfig config) {
        return new Batch(hadoop, config).run(spark, 0);
    }

    /** @param wanted partitions of the work, on which the result does not depend; 0: as many as keep the cores busy */
    BatchResult run(Supplier<SparkSession> spark, int wanted) {
        OutputFolder train = new OutputFolder(hadoop, new Path(config.output(), Split.TRAIN.text()));
        OutputFolder heldout = new OutputFolder(hadoop, new Path(config.output(), Split.HELD_OUT.text()));
        Optional<JobResult> trainDone = train.finished(Manifest.SHARDS, settings, inputs);
        Optional<JobResult> heldoutDone = heldout.finished(Manifest.SHARDS, settings, inputs);
        if (trainDone.isEmpty() || heldoutDone.isEmpty()) {
            SparkSession session = spark.get();
            int partitions = Steps.partitions(session, wanted);
            Steps steps = Steps.of(session, "batch", partitions);
            Broadcast<byte[]> model =
                    JavaSparkContext.fromSparkContext(session.sparkContext()).broadcast(vocabulary.model());
            try (Tokenizer tokenizer = vocabulary.tokenizer()) {
                requirePadding(tokenizer);
                trainDone = Optional.of(trainDone.orElseGet(() -> make(Split.TRAIN, train, steps, partitions, model)));
                heldoutDone = Optional.of(
                        heldoutDone.orElseGet(() -> make(Split.HELD_OUT, heldout, steps, partitions, model)));
            } catch (Exception e) {
                throw Failures.explained(e, "the corpus");
            } finally {
                model.destroy();
            }
            BatchReport.write(config, vocabulary, train, heldout);
        } else {
            BatchReport.writeIfMissing(config, vocabulary, train, heldout);
        }
        return new BatchResult(trainDone.get(), heldoutDone.get());
    }

    private void requirePadding(Tokenizer tokenizer) {
        if (tokenizer.padId() != ShardLayout.PADDING) {
            throw new UserException("The vocabulary " + vocabulary.folder() + " pads with id " + tokenizer.padId()
                    + ", but rows are padded with " + ShardLayout.PADDING + "; train one with the vocab command.");
        }
    }

    private JobResult make(Split split, OutputFolder output, Steps steps, int partitions, Broadcast<byte[]> model) {
        ShardBox box = new ShardBox(hadoop, config, split, sources, vocabulary, output);
        String identity = OutputFolder.identity(Manifest.SHARDS, settings, inputs);
        List<Manifest.Entry> files = new ArrayList<>();
        BoxStatistics statistics = box.make(identity, steps, partitions, model, files);
        statistics.write(output);
        Manifest.Builder manifest = manifest(statistics).files(files);
        if (split == Split.HELD_OUT) {
            unigram(manifest, statistics);
        }
        return output.commit(manifest.build());
    }

    private Manifest.Builder manifest(BoxStatistics statistics) {
        RowStatistics rows = statistics.rows();
        Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS)
                .seed(config.seed())
                .config(settings)
                .count("rows", rows.rows())
                .count(EXAMPLES, rows.examples())
                .count("input-tokens", rows.inputTokens())
                .count("target-tokens", rows.targetTokens())
                .count(TEXT_TOKENS, statistics.text().total())
                .count(TARGET_TEXT_TOKENS, rows.targetText().total())
                .properties(config.form().layout().properties())
                .property(ShardLayout.VOCABULARY, vocabulary.hash())
                .property(ShardLayout.VOCABULARY_SIZE, vocabulary.manifest().property(Vocabulary.SIZE));
        for (int i = 0; i < sources.size(); i++) {
            OpenSource source = sources.get(i);
            if (source instanceof OpenSource.Text text) {
                manifest.property(ShardLayout.RAW_LENGTH_OF + source.name(), text.length());
            }
            manifest.property(
                    "passes." + source.name(), statistics.sources().get(i).passes());
            manifest.count(EXAMPLES + "." + source.name(), rows.sources().get(i).examples());
        }
        inputs.forEach(manifest::input);
        return manifest;
    }

    /** What knowing the frequencies of tokens would give on the held-out targets. */
    private void unigram(Manifest.Builder manifest, BoxStatistics heldout) {
        TokenStatistics targets = heldout.rows().targetText();
        manifest.property(UNIGRAM_ENTROPY, targets.entropy());
        OutputFolder train = new OutputFolder(hadoop, new Path(config.output(), Split.TRAIN.text()));
        BoxStatistics.read(train).ifPresent(training -> {
            try (Tokenizer tokenizer = vocabulary.tokenizer()) {
                manifest.property(UNIGRAM_NATS, targets.crossEntropy(training.text(), tokenizer.pieces()));
            }
        });
    }
}
