package dev.sparkswitch.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.tokenizer.SentencePieceModel;
import dev.sparkswitch.tokenizer.Tokenizer;
import dev.sparkswitch.tokenizer.UnigramTrainer;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/** The job that trains a vocabulary on a corpus's training split and writes it as a SentencePiece model. */
public final class Vocab {
    private Vocab() {}

    /**
     * @throws dev.sparkswitch.base.UserException if there is no corpus, if it has too little text for the size, or if
     *     the output folder holds something else
     */
    public static JobResult run(SparkSession spark, VocabConfig config) {
        return run(() -> spark, spark.sparkContext().hadoopConfiguration(), config);
    }

    /** The same; Spark starts when everything that needs none is checked. */
    public static JobResult run(Supplier<SparkSession> spark, Configuration hadoop, VocabConfig config) {
        Corpus corpus = Corpus.open(hadoop, config.corpus());
        OutputFolder output = new OutputFolder(hadoop, new Path(config.output()));
        JsonNode settings = Configs.toTree(config);
        List<Manifest.Input> inputs = List.of(corpus.asInput());
        Optional<JobResult> finished = output.finished(Manifest.VOCABULARY, settings, inputs);
        if (finished.isPresent()) {
            return finished.get();
        }
        output.begin();
        SentencePieceModel model = train(spark.get(), corpus, config);
        byte[] bytes = model.toBytes();
        String path = OutputFolder.DATA + "/" + Vocabulary.FILE;
        try (OutputStream out = output.files().create(new Path(output.folder(), path), true)) {
            out.write(bytes);
        } catch (IOException e) {
            throw new ResourceException(
                    "The vocabulary cannot be written to " + output.folder() + " (" + e.getMessage()
                            + "); check the disk's space and your rights.",
                    e);
        }
        return output.commit(Manifest.builder(Manifest.VOCABULARY)
                .config(settings)
                .input(inputs.get(0))
                .count("pieces", model.pieces().size())
                .property(Vocabulary.HASH, Tokenizer.hash(bytes))
                .property(Vocabulary.SIZE, model.pieces().size() + Tokenizer.SENTINELS)
                .file(Manifests.entry(output.files(), output.folder(), path, new TreeMap<>()))
                .build());
    }

    private static SentencePieceModel train(SparkSession spark, Corpus corpus, VocabConfig config) {
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        // How many prunings it takes is known only when the last is done: the total stays open.
        try (Progress progress = Progress.start("vocab", "rounds", 0)) {
            UnigramTrainer trainer = new UnigramTrainer(context, config.options(), pieces -> {
                progress.advance(1);
                progress.detail(pieces + " pieces left of which " + config.size() + " stay");
            });
            return trainer.train(corpus.trainingTexts(spark).javaRDD());
        } catch (Exception e) {
            throw Failures.explained(e, "the corpus");
        }
    }
}
