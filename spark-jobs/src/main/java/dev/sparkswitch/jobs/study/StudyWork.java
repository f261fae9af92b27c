package dev.sparkswitch.jobs.study;

import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import dev.sparkswitch.jobs.run.Finetune;
import dev.sparkswitch.jobs.run.FinetuneConfig;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.jobs.run.PretrainConfig;
import dev.sparkswitch.jobs.run.TrainingRun;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import java.io.IOException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** A run of a study, as the command has it that it is one of. */
sealed interface StudyWork {
    /** The run's folder. */
    String folder();

    TrainingConfig training();

    ClusterSettings cluster();

    /** What is trained. */
    T5Config model(Configuration hadoop);

    /** The lengths of its rows. */
    Lengths lengths(Configuration hadoop);

    /** What a rank needs, where that is known. */
    Optional<ExecutorMemory> memory(Configuration hadoop);

    /** Refuses settings that contradict each other, before anything is started. */
    void requireConsistent();

    /** What there is to train; of a fine-tuning, its shards are made. */
    TrainingRun.Task task(Configuration hadoop);

    /**
     * Positions of a row.
     *
     * @param inputs of the encoder
     * @param targets of the decoder
     */
    record Lengths(int inputs, int targets) {
        int all() {
            return inputs + targets;
        }
    }

    /** Pre-training. */
    record OfPretrain(PretrainConfig config) implements StudyWork {
        @Override
        public String folder() {
            return config.output();
        }

        @Override
        public TrainingConfig training() {
            return config.training();
        }

        @Override
        public ClusterSettings cluster() {
            return config.cluster();
        }

        @Override
        public T5Config model(Configuration hadoop) {
            return config.model();
        }

        @Override
        public Lengths lengths(Configuration hadoop) {
            String shards = config.shards() + "/train";
            try {
                ShardLayout layout = TrainingRun.layout(hadoop, shards);
                return new Lengths(layout.inputLength(), layout.targetLength());
            } catch (IOException e) {
                throw new ResourceException(
                        "Cannot read " + shards + " (" + e.getMessage() + "): check the path and your rights.", e);
            }
        }

        @Override
        public Optional<ExecutorMemory> memory(Configuration hadoop) {
            return Pretrain.memory(hadoop, config);
        }

        @Override
        public void requireConsistent() {
            Pretrain.requireConsistent(config);
        }

        @Override
        public TrainingRun.Task task(Configuration hadoop) {
            return Pretrain.task(config);
        }
    }

    /** Fine-tuning. */
    record OfFinetune(FinetuneConfig config) implements StudyWork {
        @Override
        public String folder() {
            return config.output();
        }

        @Override
        public TrainingConfig training() {
            return config.training();
        }

        @Override
        public ClusterSettings cluster() {
            return config.cluster();
        }

        @Override
        public T5Config model(Configuration hadoop) {
            if (config.model().isPresent()) {
                return config.model().get();
            }
            try (ModelSource source =
                    TrainingRun.openModel(hadoop, config.from().orElseThrow())) {
                return source.config();
            }
        }

        @Override
        public Lengths lengths(Configuration hadoop) {
            return new Lengths(config.inputs(), config.targets());
        }

        @Override
        public Optional<ExecutorMemory> memory(Configuration hadoop) {
            return Finetune.memory(hadoop, config);
        }

        /** {@link #task} does, once it has looked at the model that training begins with. */
        @Override
        public void requireConsistent() {}

        @Override
        public TrainingRun.Task task(Configuration hadoop) {
            return Finetune.task(hadoop, config);
        }
    }
}
