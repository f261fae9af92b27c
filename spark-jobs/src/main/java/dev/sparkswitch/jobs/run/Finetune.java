package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
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
        Contradictions found = new Contradictions();
        Optional<TrainedModel> opened =
                found.attempt(() -> TrainedModel.open(hadoop, config.from(), config.vocabulary()));
        opened.ifPresent(trained ->
                TrainingRun.check(tuned(trained.config(), config), config.training(), config.cluster(), found));
        found.collect(() -> RunFolder.requireOurs(hadoop, config.output(), RunFolder.Work.TRAINING));
        found.raiseLines();
        TrainedModel trained = opened.orElseThrow();
        Vocabulary vocabulary = trained.vocabulary();
        T5Config model = tuned(trained.config(), config);
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
                        List.of(trained.input())));
    }

    private static T5Config tuned(T5Config model, FinetuneConfig config) {
        T5Config.Builder builder = model.toBuilder().dropout(config.dropout());
        model.sparse()
                .ifPresent(sparse -> builder.sparse(
                        sparse.toBuilder().expertDropout(config.expertDropout()).build()));
        return builder.build();
    }
}
