package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
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
     * @throws dev.sparkswitch.base.UserException where the vocabulary is not the model's
     */
    public static TrainingRun.Finished run(TrainingRun.SparkSource spark, Configuration hadoop, FinetuneConfig config) {
        return TrainingRun.run(spark, hadoop, task(hadoop, config));
    }

    /**
     * What there is to train: turns the tasks into shards.
     *
     * @throws dev.sparkswitch.base.UserException where the vocabulary is not the model's
     */
    public static TrainingRun.Task task(Configuration hadoop, FinetuneConfig config) {
        Contradictions found = new Contradictions();
        Optional<Beginning> opened = found.attempt(() -> beginning(hadoop, config));
        opened.ifPresent(beginning -> TrainingRun.check(beginning.model(), config.training(), config.cluster(), found));
        found.collect(() -> config.data().requireMetric());
        found.collect(() -> RunFolder.requireOurs(hadoop, config.output(), RunFolder.Work.TRAINING));
        found.raiseLines();
        Beginning beginning = opened.orElseThrow();
        TaskShards shards =
                TaskShards.make(hadoop, new Path(config.output() + SHARDS), config.data(), beginning.vocabulary());
        ObjectNode tree = Configs.toTree(config);
        return new TrainingRun.Task(
                "finetune",
                config.output(),
                shards.training().toString(),
                Optional.of(shards.heldOut().toString()),
                config.from(),
                beginning.model(),
                config.training(),
                config.cluster(),
                config.engine(),
                tree,
                beginning.inputs(),
                Optional.of(shards.selection(hadoop, config.data(), beginning.vocabulary())),
                Optional.empty(),
                List.of(),
                List.of());
    }

    /** The settings of executors that follow from what a rank needs; empty where that is not known. */
    public static Optional<ExecutorMemory> memory(Configuration hadoop, FinetuneConfig config) {
        return ExecutorMemory.foreseen(
                config.engine(),
                () -> ExecutorMemory.of(
                        beginning(hadoop, config).model(),
                        List.of(),
                        config.training(),
                        config.cluster(),
                        config.engine(),
                        config.inputs(),
                        config.targets()));
    }

    /** What training begins with. */
    private record Beginning(T5Config model, Vocabulary vocabulary, List<Manifest.Input> inputs) {}

    private static Beginning beginning(Configuration hadoop, FinetuneConfig config) {
        if (config.from().isPresent()) {
            TrainedModel trained = TrainedModel.open(hadoop, config.from().get(), config.vocabulary());
            return new Beginning(tuned(trained.config(), config), trained.vocabulary(), List.of(trained.input()));
        }
        T5Config model = config.model().orElseThrow();
        Vocabulary vocabulary = Vocabulary.open(hadoop, config.vocabulary());
        TrainedModel.requireFit(model, vocabulary, "model", "correct model.vocabulary-size and its special ids");
        return new Beginning(tuned(model, config), vocabulary, List.of());
    }

    private static T5Config tuned(T5Config model, FinetuneConfig config) {
        T5Config.Builder builder = model.toBuilder().dropout(config.dropout());
        model.sparse()
                .ifPresent(sparse -> builder.sparse(
                        sparse.toBuilder().expertDropout(config.expertDropout()).build()));
        return builder.build();
    }
}
