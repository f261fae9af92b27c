package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.T5Config;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Fine-tuning on a mixture of text-to-text tasks. */
public final class Finetune {
    private static final String SHARDS = "-shards";

    private Finetune() {}

    /**
     * Turns the tasks into shards, then trains; finds what is done.
     *
     * @throws UserException where the vocabulary is not the model's
     */
    public static TrainingRun.Finished run(TrainingRun.SparkSource spark, Configuration hadoop, FinetuneConfig config) {
        Vocabulary vocabulary = Vocabulary.open(hadoop, config.vocabulary());
        T5Config model;
        Manifest.Input from;
        Contradictions found = new Contradictions();
        try (ModelSource source = TrainingRun.openModel(hadoop, config.from())) {
            found.collect(() -> requireVocabulary(source, vocabulary, config.from()));
            model = tuned(source.config(), config);
            String id = source instanceof Checkpoint checkpoint
                    ? checkpoint.manifest().id()
                    : config.from();
            from = new Manifest.Input("model", config.from(), id);
        }
        TrainingRun.check(model, config.training(), config.cluster(), found);
        found.collect(() -> RunFolder.requireOurs(hadoop, config.output()));
        found.raiseLines();
        TaskShards shards = TaskShards.make(hadoop, new Path(config.output() + SHARDS), config, vocabulary);
        ObjectNode tree = Configs.toTree(config);
        return TrainingRun.run(
                spark,
                hadoop,
                new TrainingRun.Task(
                        "finetune",
                        config.output(),
                        shards.training().toString(),
                        Optional.of(shards.heldOut().toString()),
                        Optional.of(config.from()),
                        model,
                        config.training(),
                        config.cluster(),
                        config.engine(),
                        tree,
                        List.of(from)));
    }

    /**
     * Refuses a vocabulary that is not the one of the model's training data, where that is known.
     *
     * @throws UserException naming both
     */
    static void requireVocabulary(ModelSource source, Vocabulary vocabulary, String from) {
        if (source instanceof Checkpoint checkpoint) {
            String trained = checkpoint.manifest().properties().get(Vocabulary.HASH);
            if (trained != null && !trained.equals(vocabulary.hash())) {
                throw new UserException("The model in " + from + " was trained with the vocabulary " + trained
                        + ", but " + vocabulary.folder() + " is " + vocabulary.hash()
                        + ": name the model's own vocabulary.");
            }
        }
        int size = Integer.parseInt(vocabulary.manifest().property(Vocabulary.SIZE));
        if (source.config().vocabularySize() < size) {
            throw new UserException("The vocabulary " + vocabulary.folder() + " has " + size + " ids, but the model in "
                    + from + " has only " + source.config().vocabularySize() + ": name the model's own vocabulary.");
        }
    }

    private static T5Config tuned(T5Config model, FinetuneConfig config) {
        T5Config.Builder builder = model.toBuilder().dropout(config.dropout());
        model.sparse()
                .ifPresent(sparse -> builder.sparse(
                        sparse.toBuilder().expertDropout(config.expertDropout()).build()));
        return builder.build();
    }
}
