package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.SerializableConfiguration;

/**
 * The job that makes training rows of a corpus and a vocabulary: tokens of documents strung together, cut, corrupted
 * span by span, shuffled and written as Arrow shards. The bytes depend on the corpus, the vocabulary and the settings
 * alone, not on the number of partitions or executors.
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

    private final Configuration hadoop;
    private final BatchConfig config;
    private final Corpus corpus;
    private final Vocabulary vocabulary;
    private final JsonNode settings;
    private final SpanCorruption.Lengths lengths;
    private final ShardLayout layout;

    Batch(Configuration hadoop, BatchConfig config) {
        this.hadoop = hadoop;
        this.config = config;
        this.corpus = Corpus.open(hadoop, config.corpus());
        this.vocabulary = Vocabulary.open(hadoop, config.vocabulary());
        this.settings = Configs.toTree(config);
        this.lengths = config.corruption().lengths(config.inputs());
        this.layout = form().layout();
    }

    /**
     * @throws UserException if there is no corpus or vocabulary, if a split has no text, or if the output folder holds
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
        List<Manifest.Input> inputs = List.of(corpus.asInput(), vocabulary.asInput());
        Optional<JobResult> trainDone = train.finished(Manifest.SHARDS, settings, inputs);
        Optional<JobResult> heldoutDone = heldout.finished(Manifest.SHARDS, settings, inputs);
        if (trainDone.isPresent() && heldoutDone.isPresent()) {
            return new BatchResult(trainDone.get(), heldoutDone.get());
        }
        SparkSession session = spark.get();
        int partitions = wanted > 0 ? wanted : Steps.partitions(session, 0);
        Steps steps = Steps.of(session, "batch", partitions);
        JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
        Broadcast<byte[]> model = context.broadcast(vocabulary.model());
        Dataset<Row> trainExamples = examples(steps, partitions, Split.TRAIN, model);
        Dataset<Row> heldoutExamples = examples(steps, partitions, Split.HELD_OUT, model);
        try (Tokenizer tokenizer = vocabulary.tokenizer()) {
            requirePadding(tokenizer);
            Survey trainSurvey = survey(steps, Split.TRAIN, trainExamples, tokenizer);
            Survey heldoutSurvey = survey(steps, Split.HELD_OUT, heldoutExamples, tokenizer);
            JobResult trainResult = trainDone.orElseGet(() -> {
                train.begin();
                ShardTask.Written written = write(steps, Split.TRAIN, trainExamples, trainSurvey, train, tokenizer);
                return train.commit(manifest(inputs, written, trainSurvey).build());
            });
            JobResult heldoutResult = heldoutDone.orElseGet(() -> {
                heldout.begin();
                ShardTask.Written written =
                        write(steps, Split.HELD_OUT, heldoutExamples, heldoutSurvey, heldout, tokenizer);
                double nats = written.targets().crossEntropy(trainSurvey.tokens(), tokenizer.pieces());
                return heldout.commit(manifest(inputs, written, heldoutSurvey)
                        .property(UNIGRAM_NATS, nats)
                        .property(UNIGRAM_ENTROPY, written.targets().entropy())
                        .build());
            });
            return new BatchResult(trainResult, heldoutResult);
        } catch (Exception e) {
            throw Failures.explained(e, "the corpus");
        } finally {
            trainExamples.unpersist();
            heldoutExamples.unpersist();
            model.destroy();
        }
    }

    /** Tokenizing is the dear part, and two passes need its outcome. */
    private Dataset<Row> examples(Steps steps, int partitions, Split split, Broadcast<byte[]> model) {
        Dataset<Row> examples = RawExamples.of(
                corpus.documents(steps.spark(), split),
                model,
                config.buckets(split),
                lengths.raw(),
                config.seed(),
                partitions);
        return RawExamples.repeated(examples, config.passes(split), config.seed())
                .persist(StorageLevel.MEMORY_AND_DISK());
    }

    private void requirePadding(Tokenizer tokenizer) {
        if (tokenizer.padId() != ShardLayout.PADDING) {
            throw new UserException("The vocabulary " + vocabulary.folder() + " pads with id " + tokenizer.padId()
                    + ", but rows are padded with " + ShardLayout.PADDING + "; train one with the vocab command.");
        }
    }

    private Survey survey(Steps steps, Split split, Dataset<Row> examples, Tokenizer tokenizer) {
        Survey survey = steps.run("tokenize " + split.text(), () -> Survey.of(examples, tokenizer.vocabularySize()));
        if (survey.rows() == 0) {
            throw new UserException("The corpus " + config.corpus() + " has no text in its split '" + split.text()
                    + "'; run 'sparkswitch prepare' with more text or another share for heldout.");
        }
        return survey;
    }

    private ShardTask.Written write(
            Steps steps, Split split, Dataset<Row> examples, Survey survey, OutputFolder output, Tokenizer tokenizer) {
        long rowBytes = (long) Integer.BYTES * (layout.inputLength() + layout.targetLength());
        ShufflePlan plan = survey.plan(Math.max(1, config.shardSize().bytes() / rowBytes));
        ShardTask task = new ShardTask(
                new SerializableConfiguration(hadoop),
                output.folder().toString(),
                form(),
                plan,
                config.corruption(),
                config.seed(),
                tokenizer.eosId(),
                tokenizer.pieces(),
                tokenizer.vocabularySize());
        UserDefinedFunction shard = udf((UDF1<Long, Integer>) plan::shard, DataTypes.IntegerType);
        return steps.run("write " + split.text(), () -> examples.repartitionById(
                        plan.shards(), shard.apply(col(RawExamples.KEY)))
                .sortWithinPartitions(RawExamples.KEY, RawExamples.BUCKET, RawExamples.EXAMPLE, RawExamples.PASS)
                .javaRDD()
                .mapPartitions(task::write)
                .treeReduce(ShardTask.Written::merge));
    }

    private Manifest.Builder manifest(List<Manifest.Input> inputs, ShardTask.Written written, Survey survey) {
        Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS)
                .seed(config.seed())
                .config(settings)
                .count("rows", survey.rows())
                .count(TEXT_TOKENS, survey.tokens().total())
                .count(TARGET_TEXT_TOKENS, written.targets().total())
                .properties(layout.properties())
                .property(ShardLayout.VOCABULARY, vocabulary.hash())
                .property(ShardLayout.VOCABULARY_SIZE, vocabulary.manifest().property(Vocabulary.SIZE))
                .property("raw-length", lengths.raw())
                .files(written.entries());
        inputs.forEach(manifest::input);
        return manifest;
    }

    private ShardTask.Form form() {
        return new ShardTask.Form(lengths.inputs(), lengths.targets());
    }
}
