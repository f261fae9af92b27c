package dev.sparkswitch.tests.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Phase;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.ModelTeacher;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.Teaching;
import dev.sparkswitch.train.TokenBatches;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A student of few rows: their targets are drawn from the teacher's distributions, so that the data says once in a while what
 * the teacher says whole.
 */
class DistillationTest {
    private static final int VOCABULARY = WorldEqualityTest.VOCABULARY;
    private static final int ROWS = 32;

    @TempDir
    Path folder;

    /** Rows whose first target is drawn from what a model says of their inputs. */
    private static final class DrawnRows implements TokenSource {
        private final ShardLayout layout = new ShardLayout(12, 1, Packing.NONE);
        private final RandomRows inputs = new RandomRows(12, 1, VOCABULARY, 10_000);
        private final long first;
        private final int[] targets;

        DrawnRows(SwitchTransformer teacher, long first, int rows) {
            this.first = first;
            this.targets = new int[rows];
            try (TokenBatch tokens = inputs.read(first, rows)) {
                HostBatch host = TokenBatches.toHost(tokens, teacher.config());
                try (Batch batch = Batch.upload(teacher.engine(), host);
                        Tensor logits = teacher.logits(batch, Phase.EVALUATE)) {
                    double[] values = teacher.download(logits);
                    for (int row = 0; row < rows; row++) {
                        targets[row] = draw(values, row, RandomStream.SAMPLING.at(5, (int) first + row, 0));
                    }
                }
            }
        }

        /** A token but padding and end. */
        private static int draw(double[] logits, int row, Philox random) {
            double sum = 0;
            for (int id = 2; id < VOCABULARY; id++) {
                sum += Math.exp(logits[row * VOCABULARY + id]);
            }
            double left = random.uniform(0) * sum;
            int id = 2;
            while (id < VOCABULARY - 1 && left > Math.exp(logits[row * VOCABULARY + id])) {
                left -= Math.exp(logits[row * VOCABULARY + id++]);
            }
            return id;
        }

        @Override
        public ShardLayout layout() {
            return layout;
        }

        @Override
        public Manifest manifest() {
            return Manifest.builder(Manifest.SHARDS).build();
        }

        @Override
        public long rows() {
            return targets.length;
        }

        @Override
        public TokenBatch read(long firstRow, int count) {
            int[][] read = new int[count][];
            int[][] wanted = new int[count][1];
            for (int r = 0; r < count; r++) {
                long row = (firstRow + r) % targets.length;
                try (TokenBatch one = inputs.read(first + row, 1)) {
                    read[r] = new int[one.inputTokens()[0]];
                    one.inputs().get(0, read[r]);
                }
                wanted[r][0] = targets[(int) row];
            }
            return TokenBatch.of(layout, firstRow, read, wanted);
        }

        @Override
        public long targetTokens(long firstRow, int rows) {
            return rows;
        }

        @Override
        public void close() {
            inputs.close();
        }
    }

    private static TrainingConfig config() {
        return Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "steps=60",
                        "rows=16",
                        "seed=3",
                        "checkpoint-every=1000000",
                        "evaluate-every=1000000",
                        "held-out-rows=256",
                        "init-scale=1.0",
                        "embedding-init=0.3",
                        "learning-rate.schedule=constant",
                        "learning-rate.rate=0.02",
                        "learning-rate.warm-up=5"));
    }

    private double heldOutLoss(String name, double softShare) {
        RankOutcome<Double> outcome = LocalRanks.run(1, 0, context -> train(context, name, softShare), status -> {})
                .get(0);
        assertThat(outcome).isInstanceOf(RankOutcome.Success.class);
        return ((RankOutcome.Success<Double>) outcome).value();
    }

    private double train(RankContext context, String name, double softShare) throws IOException {
        Parallelism alone = new Parallelism(ExpertPlacement.single(4), new SingleRank());
        T5Config sparse = WorldEqualityTest.model();
        T5Config dense = sparse.toBuilder().dense().dropout(0).build();
        try (Engine engine = new Nd4jEngine(Precision.FLOAT64, 1);
                SwitchTransformer teacher = new SwitchTransformer(engine, sparse, alone);
                SwitchTransformer student = new SwitchTransformer(engine, dense, alone)) {
            new Initializer(11, 1, 2).initialize(teacher);
            try (DrawnRows rows = new DrawnRows(teacher, 0, ROWS);
                    DrawnRows heldOut = new DrawnRows(teacher, 5000, 256)) {
                TrainingJob job = new TrainingJob(
                                config(),
                                0,
                                rows,
                                Optional.of(heldOut),
                                Optional.empty(),
                                new CheckpointStore(
                                        FileSystem.getLocal(new Configuration(false)),
                                        new org.apache.hadoop.fs.Path(
                                                folder.resolve(name).toUri())),
                                Optional.empty(),
                                Optional.empty(),
                                () -> Manifest.builder(Manifest.CHECKPOINT),
                                Optional.empty())
                        .with(
                                Optional.empty(),
                                softShare == 0
                                        ? Optional.empty()
                                        : Optional.of(new Teaching(new ModelTeacher(teacher), softShare, 1)));
                try (Trainer trainer = new Trainer(context, student, alone, job)) {
                    trainer.run();
                    return trainer.heldOutLoss().all();
                }
            }
        }
    }

    @Test
    void aStudentWithATeacherIsBetterThanOneWithout() {
        double alone = heldOutLoss("alone", 0);
        double taught = heldOutLoss("taught", 0.25);
        double taughtAlone = heldOutLoss("soft", 1);

        assertThat(taught).isLessThan(alone);
        assertThat(taughtAlone).isLessThan(alone);
    }
}
