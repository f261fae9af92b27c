package dev.sparkswitch.corpus;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.xxhash64;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.tokenizer.BpeTrainer;
import dev.sparkswitch.tokenizer.HuggingFaceTokenizer;
import dev.sparkswitch.tokenizer.RoundFiles;
import dev.sparkswitch.tokenizer.SentencePieceModel;
import dev.sparkswitch.tokenizer.Tokenizer;
import dev.sparkswitch.tokenizer.UnigramTrainer;
import dev.sparkswitch.tokenizer.VocabularyTrainer;
import dev.sparkswitch.tokenizer.WordFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The job that trains a vocabulary on a corpus's training split, or takes an existing one, and writes it as a
 * SentencePiece model, as Hugging Face's tokenizer, and as a page that shows what it does to the text.
 */
public final class Vocab {
    private static final Logger LOG = LoggerFactory.getLogger(Vocab.class);
    private static final int LARGEST_MODEL = 256 << 20;
    /** The share of documents is a multiple of 1 / this. */
    private static final long SAMPLE_PARTS = 1_000_000;
    /** Packed bytes of the corpus whose words are counted together. */
    private static final long PARTITION_BYTES = 32 << 20;

    private final Supplier<SparkSession> spark;
    private final Configuration hadoop;
    private final VocabConfig config;

    private Vocab(Supplier<SparkSession> spark, Configuration hadoop, VocabConfig config) {
        this.spark = spark;
        this.hadoop = hadoop;
        this.config = config;
    }

    /**
     * @throws dev.sparkswitch.base.UserException if there is no corpus, if it has too little text for the size, or if
     *     the output folder holds something else
     */
    public static JobResult run(SparkSession spark, VocabConfig config) {
        return run(() -> spark, spark.sparkContext().hadoopConfiguration(), config);
    }

    /** The same; Spark starts when everything that needs none is checked. */
    public static JobResult run(Supplier<SparkSession> spark, Configuration hadoop, VocabConfig config) {
        return new Vocab(spark, hadoop, config).run();
    }

    private JobResult run() {
        return config.from().isPresent() ? take(config.from().get()) : train();
    }

    private JobResult train() {
        Corpus corpus = Corpus.open(hadoop, config.corpus());
        Manifest.Input input = corpus.asInput();
        OutputFolder output = OutputFolder.flat(hadoop, new Path(config.output()));
        Optional<JobResult> finished = output.finished(Manifest.VOCABULARY, settings(), List.of(input));
        if (finished.isPresent()) {
            return finished.get();
        }
        output.resume(OutputFolder.identity(Manifest.VOCABULARY, settings(), List.of(input)));
        return write(output, input, trained(corpus, output.work()).toBytes(), Optional.of(corpus));
    }

    /** Takes a model file as it is; the corpus, where there is one, shows how it does. */
    private JobResult take(String from) {
        Path file = new Path(from);
        byte[] model = read(file);
        // Says at once what is wrong with it.
        new Tokenizer(model).close();
        Manifest.Input input = new Manifest.Input("model", from, Tokenizer.hash(model));
        OutputFolder output = OutputFolder.flat(hadoop, new Path(config.output()));
        Optional<JobResult> finished = output.finished(Manifest.VOCABULARY, settings(), List.of(input));
        if (finished.isPresent()) {
            return finished.get();
        }
        Path folder = new Path(config.corpus());
        Optional<Corpus> corpus = Manifests.find(OutputFolder.fileSystem(hadoop, folder), folder)
                .map(manifest -> Corpus.open(hadoop, config.corpus()));
        output.begin();
        return write(output, input, model, corpus);
    }

    private JsonNode settings() {
        return Configs.toTree(config);
    }

    private byte[] read(Path file) {
        try (InputStream in = OutputFolder.fileSystem(hadoop, file).open(file)) {
            return in.readNBytes(LARGEST_MODEL);
        } catch (IOException e) {
            throw new UserException(
                    "The model " + file + " cannot be read (" + e.getMessage()
                            + "); name a SentencePiece model file in from.",
                    e);
        }
    }

    private JobResult write(OutputFolder output, Manifest.Input input, byte[] bytes, Optional<Corpus> corpus) {
        SentencePieceModel model = SentencePieceModel.parse(bytes);
        SortedMap<String, byte[]> files = new TreeMap<>(Map.of(Vocabulary.FILE, bytes));
        HuggingFaceTokenizer.obstacle(model)
                .ifPresentOrElse(
                        why -> LOG.warn("No {} is written: the vocabulary {}", HuggingFaceTokenizer.TOKENIZER, why),
                        () -> files.putAll(HuggingFaceTokenizer.files(model)));
        Manifest.Builder manifest = Manifest.builder(Manifest.VOCABULARY)
                .config(settings())
                .input(input)
                .count("pieces", model.pieces().size())
                .property(Vocabulary.HASH, Tokenizer.hash(bytes))
                .property(Vocabulary.SIZE, model.pieces().size() + Tokenizer.SENTINELS);
        VocabSurvey survey = new VocabSurvey();
        try (Tokenizer tokenizer = new Tokenizer(bytes)) {
            corpus.ifPresent(documents -> survey.measure(documents.measured(spark.get()), tokenizer));
        }
        if (survey.all().characters() > 0) {
            manifest.property("tokens-per-character", survey.all().tokensPerCharacter());
        }
        files.put(
                VocabReport.FILE,
                new VocabReport(model, survey, config).page().html().getBytes(StandardCharsets.UTF_8));
        return output.commit(manifest.files(Vocabulary.write(files, output)).build());
    }

    private SentencePieceModel trained(Corpus corpus, Path work) {
        Steps steps = Steps.of(spark.get(), "vocab", Steps.partitions(spark.get(), 0));
        JavaSparkContext context =
                JavaSparkContext.fromSparkContext(steps.spark().sparkContext());
        WordFiles words = WordFiles.in(hadoop, new Path(work, "words"));
        try {
            JavaRDD<String> texts = texts(corpus, steps.spark());
            steps.run("count words", () -> {
                words.count(texts, config.options());
                return null;
            });
            return trained(context, words.read(context, texts.getNumPartitions()), new Path(work, "rounds"));
        } catch (Exception e) {
            throw Failures.explained(e, "the corpus");
        }
    }

    private SentencePieceModel trained(JavaSparkContext context, JavaPairRDD<String, Long> words, Path work) {
        // How many prunings it takes is known only when the last is done: the total stays open.
        try (Progress progress = Progress.start("vocab", "rounds", 0)) {
            IntConsumer round = pieces -> {
                progress.advance(1);
                progress.detail(
                        switch (config.model()) {
                            case UNIGRAM -> pieces + " pieces left of which " + config.size() + " stay";
                            case BPE -> pieces + " merges for " + config.size() + " pieces";
                        });
            };
            VocabularyTrainer trainer =
                    switch (config.model()) {
                        case UNIGRAM ->
                            new UnigramTrainer(
                                    context,
                                    config.options(),
                                    config.schedule(),
                                    Optional.of(new RoundFiles(hadoop, work)),
                                    round);
                        case BPE -> new BpeTrainer(config.options(), config.mergedWords(), round);
                    };
            return trainer.train(words);
        }
    }

    /** The texts to learn from, in partitions that depend on the corpus alone. */
    private JavaRDD<String> texts(Corpus corpus, SparkSession session) {
        session.conf().set("spark.sql.files.minPartitionNum", "1");
        session.conf().set("spark.sql.files.maxPartitionBytes", Long.toString(PARTITION_BYTES));
        session.conf().set("spark.sql.files.openCostInBytes", Long.toString(PARTITION_BYTES / 8));
        long parts = Math.max(1, Math.round(config.sample() * SAMPLE_PARTS));
        if (parts == SAMPLE_PARTS) {
            return corpus.trainingTexts(session).javaRDD();
        }
        return corpus.documents(session, Split.TRAIN)
                .filter(pmod(xxhash64(col(Corpus.ID)), lit(SAMPLE_PARTS)).lt(parts))
                .select(Corpus.TEXT)
                .as(Encoders.STRING())
                .javaRDD();
    }
}
