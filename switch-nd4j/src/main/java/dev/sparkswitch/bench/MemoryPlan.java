package dev.sparkswitch.bench;

import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * The memory that the steps of a run take on the first rank's card, known before they are taken: shapes do not change, so two
 * steps on an engine without a card ask for all that later ones will.
 *
 * @param memory by its kind
 * @param rows rows at a time
 */
public record MemoryPlan(StepReport.Memory memory, int rows) {
    private static final double GIB = 1L << 30;

    /**
     * The plan of a run.
     *
     * @throws dev.sparkswitch.base.UserException where the step's rows cannot be spread over the ranks
     */
    public static MemoryPlan of(
            T5Config model,
            TrainingConfig training,
            ExpertPlacement placement,
            Precision precision,
            int inputLength,
            int targetLength) {
        Parallelism parallelism = new Parallelism(placement, new NoExchange(placement.worldSize()));
        try (Engine engine = CudaEngine.planned(precision);
                SwitchTransformer planned = new SwitchTransformer(engine, model, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, planned.parameters().all())) {
            TrainingStep step = new TrainingStep(planned, parallelism, training, optimizer);
            HostBatch rows = new RandomStep(model, step.microRows(), inputLength, targetLength).batch(0);
            List<HostBatch> batches = new ArrayList<>(Collections.nCopies(training.accumulation(), rows));
            step.run(1, batches, 0, 0);
            step.run(2, batches, 0, 0);
            return new MemoryPlan(StepReport.Memory.of(planned, optimizer), step.microRows());
        }
    }

    /** Whether a card with so many bytes has room for it. */
    public boolean fits(long freeBytes) {
        return memory.total() <= freeBytes;
    }

    /** The plan as a table, beside what the card has. */
    public String table(long freeBytes) {
        return "memory of a training step, planned, in GiB:"
                + line("weights", memory.parameters(), "")
                + line("gradients", memory.gradients(), "")
                + line("optimizer", memory.optimizer(), "")
                + line("activations", memory.activations(), rows + " rows at a time")
                + line("together", memory.total(), String.format(Locale.ROOT, "%.2f are free", freeBytes / GIB));
    }

    private static String line(String kind, long bytes, String remark) {
        return String.format(Locale.ROOT, "%n  %-12s %8.2f  %s", kind, bytes / GIB, remark)
                .stripTrailing();
    }

    /** The first rank of a world that is not there. */
    private record NoExchange(int worldSize) implements Collectives {
        @Override
        public int rank() {
            return 0;
        }

        @Override
        public boolean overlaps() {
            return true;
        }

        @Override
        public boolean sums(DType type) {
            return true;
        }

        @Override
        public Exchange startAllReduceSum(Tensor data, RankGroup group) {
            return Exchange.DONE;
        }

        @Override
        public Exchange startAllToAll(Tensor send, Tensor receive, RankGroup group) {
            return Exchange.DONE;
        }

        @Override
        public void broadcast(Tensor data, int root, RankGroup group) {}

        @Override
        public void barrier(RankGroup group) {}

        @Override
        public Moment moment() {
            return Moment.now();
        }
    }
}
