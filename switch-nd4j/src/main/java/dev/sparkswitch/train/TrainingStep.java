package dev.sparkswitch.train;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.StepSettings;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One step of one rank, in step with the others: the gradients of all its micro-batches, their sum over the ranks, an update.
 * All denominators of the loss count the whole step, so the result does not depend on the number of ranks or micro-batches.
 */
public final class TrainingStep {
    private final SwitchTransformer model;
    private final Engine engine;
    private final Collectives collectives;
    private final ExpertPlacement placement;
    private final TrainingConfig config;
    private final Optimizer optimizer;
    private final DivergenceGuard guard;
    private final Optional<Teaching> teaching;
    private final RankGroup world;
    private final int rank;
    private final int microRows;
    /** Of the step at hand or, between two, of the one before. */
    private long firstRow;

    private final int groupRows;
    /** Batches that are on the engine before their step. */
    private final Map<HostBatch, Batch> ahead = new IdentityHashMap<>();
    /** The next step's batches, where they are known. */
    private List<HostBatch> next = List.of();
    /** What they count over all ranks; null where a rank did not know its own. */
    private StepTotals totalsOfNext;

    /**
     * The step of {@code config} on this rank's {@code model}.
     *
     * @throws UserException where the step's rows cannot be spread over the ranks
     */
    public TrainingStep(SwitchTransformer model, Parallelism parallelism, TrainingConfig config, Optimizer optimizer) {
        this(model, parallelism, config, optimizer, Optional.empty());
    }

    /** The step of a student, where there is a teacher. */
    TrainingStep(
            SwitchTransformer model,
            Parallelism parallelism,
            TrainingConfig config,
            Optimizer optimizer,
            Optional<Teaching> teaching) {
        this.model = model;
        this.engine = model.engine();
        this.collectives = parallelism.collectives();
        this.placement = parallelism.placement();
        this.config = config;
        this.optimizer = optimizer;
        this.guard = new DivergenceGuard(config.divergence());
        this.teaching = teaching;
        this.rank = parallelism.rank();
        this.world = RankGroup.world(collectives.worldSize());
        this.groupRows = model.config()
                .sparse()
                .map(sparse -> sparse.capacity().rowsOfGroup())
                .orElse(1);
        this.microRows = config.microRows(world.size(), groupRows);
    }

    /** Rows of a micro-batch of this rank. */
    public int microRows() {
        return microRows;
    }

    /** What is compared with each step, for checkpoints. */
    DivergenceGuard guard() {
        return guard;
    }

    /**
     * Runs a step.
     *
     * @param step its number, from 1
     * @param batches this rank's micro-batches
     * @param start {@link System#nanoTime} at the start of the step, before its rows were read
     * @param began {@link System#nanoTime} at the start of the attempt
     * @throws ResourceException where memory does not suffice, with what would take less
     * @throws DivergenceException where training has left its course; the parameters are then worth nothing where the engine
     *     {@linkplain Engine#stepsSumSquares sums squares as it updates}, and as before where it does not
     */
    public StepMetrics run(long step, List<HostBatch> batches, long start, long began) {
        return run(step, batches, start, began, () -> {});
    }

    /**
     * {@link #run(long, List, long, long)}.
     *
     * @param meanwhile what the host does while the engine updates parameters, if it would wait for that otherwise
     */
    public StepMetrics run(long step, List<HostBatch> batches, long start, long began, Runnable meanwhile) {
        StepTotals totals = totals(batches);
        firstRow = batches.isEmpty() ? 0 : batches.get(0).firstRow();
        model.parameters().resetGradients();
        GradientSums sums = new GradientSums(model.parameters(), collectives, placement, bucketBytes());
        double lossSum;
        try {
            lossSum = backward(model, step, batches, totals, sums::advance);
        } catch (ResourceException e) {
            String advice = HeldMemory.of(model, optimizer).advice(config, microRows, groupRows);
            throw new ResourceException(e.getMessage() + ". " + advice, e);
        }
        sums.await();
        double learningRate = config.learningRate().at(step, config.steps());
        // A loss that is no number is found out before the parameters go the same way: where it was lost can still be
        // seen.
        if (engine.stepsSumSquares() && Double.isFinite(lossSum)) {
            List<double[]> statistics = model.takeRoutingStatistics();
            double squares;
            try (Tensor ofSlots = optimizer.measuredStep(step, learningRate)) {
                meanwhile.run();
                GradientSquares all = optimizer.squares(ofSlots);
                squares = (countsExperts() ? all.experts() : 0) + (countsShared() ? all.shared() : 0);
            }
            StepMetrics metrics = metrics(step, totals, lossSum, statistics, squares);
            guard.check(metrics);
            return timed(metrics, start, began);
        }
        double squares = (countsExperts() ? engine.sumSquares(model.parameters().expertGradients()) : 0)
                + (countsShared() ? engine.sumSquares(model.parameters().sharedGradients()) : 0);
        StepMetrics metrics = metrics(step, totals, lossSum, model.takeRoutingStatistics(), squares);
        guard.check(metrics);
        optimizer.step(step, learningRate);
        return timed(metrics, start, began);
    }

    /**
     * Copies the next step's batches to the engine, behind what it is at work on: the step then begins without a transfer.
     * Replaces those of an earlier call that no step has taken.
     */
    public void uploadAhead(List<HostBatch> batches) {
        if (!batches.isEmpty()) {
            engine.expectStep(batches.get(0).firstRow() - firstRow);
        }
        ahead.values().forEach(Batch::close);
        ahead.clear();
        for (HostBatch batch : batches) {
            ahead.put(batch, Batch.upload(engine, batch));
        }
        next = List.copyOf(batches);
    }

    private Batch onEngine(HostBatch host) {
        Batch batch = ahead.remove(host);
        return batch == null ? Batch.upload(engine, host) : batch;
    }

    /**
     * Runs a step's passes once more, looking at what every operation makes, to tell where its numbers were lost. All ranks
     * do so together; gradients are worth nothing afterwards.
     */
    NonFiniteSearch search(long step, List<HostBatch> batches) {
        NonFiniteSearch search = new NonFiniteSearch(model);
        StepTotals totals = totals(batches);
        model.parameters().resetGradients();
        search.lookAtParameters();
        backward(model.through(search.watched()), step, batches, totals, () -> {});
        model.takeRoutingStatistics();
        return search;
    }

    /** Looks at the step's gradients, where parameters are already worth nothing. */
    NonFiniteSearch searchGradients() {
        NonFiniteSearch search = new NonFiniteSearch(model);
        search.lookAtGradients();
        return search;
    }

    private int bucketBytes() {
        return config.bucketBytes() > 0 ? config.bucketBytes() : collectives.bucketBytes();
    }

    /** What the denominators of the step's loss count, over all ranks. */
    private record StepTotals(long targetTokens, long routedInputs, long routedTargets, long tokens) {
        private static final int COUNTS = 4;

        static StepTotals of(double[] sums, int from) {
            return new StepTotals(
                    (long) sums[from], (long) sums[from + 1], (long) sums[from + 2], (long) sums[from + 3]);
        }
    }

    /** Counts that the last step's metrics brought along are not asked for again: each sum over ranks keeps the engine waiting. */
    private StepTotals totals(List<HostBatch> batches) {
        StepTotals known = totalsOfNext;
        boolean foreseen = known != null && batches.equals(next);
        totalsOfNext = null;
        // A rank that does not come to read ahead in this step must not pass old batches off as the next ones.
        next = List.of();
        return foreseen ? known : StepTotals.of(sumOverRanks(counts(batches)), 0);
    }

    private static double[] counts(List<HostBatch> batches) {
        double[] counts = new double[StepTotals.COUNTS];
        for (HostBatch batch : batches) {
            counts[0] += batch.targetTokens();
            counts[1] += batch.routedInputs();
            counts[2] += batch.routedTargets();
            counts[3] += nonZero(batch.inputKeySegments()) + nonZero(batch.targetKeySegments());
        }
        return counts;
    }

    private static int nonZero(int[] values) {
        int count = 0;
        for (int value : values) {
            count += value == 0 ? 0 : 1;
        }
        return count;
    }

    /**
     * Runs all micro-batches; returns this rank's sum of cross-entropies.
     *
     * @param complete what is done each time that the last of them has completed gradients
     */
    private double backward(
            SwitchTransformer through, long step, List<HostBatch> batches, StepTotals totals, Runnable complete) {
        int balanceGroups = model.config()
                .sparse()
                .map(sparse -> sparse.capacity().balanceGroups(microRows))
                .orElse(1);
        StepSettings settings = new StepSettings(
                config.seed(),
                Math.toIntExact(step),
                totals.targetTokens(),
                (long) balanceGroups * config.accumulation() * world.size(),
                totals.routedInputs(),
                totals.routedTargets(),
                config.labelSmoothing(),
                config.zLoss(),
                config.recomputation(),
                config.exchangeChunks());
        double sum = 0;
        for (int i = 0; i < batches.size(); i++) {
            HostBatch host = batches.get(i);
            if (i == batches.size() - 1) {
                model.parameters().lastPass(complete);
            }
            try (Batch batch = onEngine(host);
                    Tensor losses = train(through, batch, host, settings)) {
                for (double loss : through.download(losses)) {
                    sum += loss;
                }
            }
        }
        return sum;
    }

    private Tensor train(SwitchTransformer through, Batch batch, HostBatch host, StepSettings settings) {
        if (teaching.isEmpty()) {
            return through.train(batch, settings);
        }
        Teaching how = teaching.get();
        try (Teacher.Lesson lesson = how.teacher().teach(batch, host)) {
            return through.distil(batch, settings, lesson.targets(), how.softShare(), how.temperature());
        }
    }

    /** One rank of each exchange group counts in full; experts are apart on each. */
    private boolean countsExperts() {
        return rank < placement.expertParallel();
    }

    /** Dense gradients are the same on all ranks. */
    private boolean countsShared() {
        return rank == 0;
    }

    private static StepMetrics timed(StepMetrics metrics, long start, long began) {
        long now = System.nanoTime();
        return metrics.timed((now - start) / 1e9, (now - began) / 1e9);
    }

    /** All but what a clock says. */
    private StepMetrics metrics(
            long step, StepTotals totals, double lossSum, List<double[]> statistics, double squares) {
        int size = 2 + statistics.stream().mapToInt(each -> each.length).sum();
        // The next step's counts, and how many ranks know theirs
        double[] values = new double[size + StepTotals.COUNTS + 1];
        values[0] = lossSum;
        values[1] = squares;
        int end = 2;
        for (double[] layer : statistics) {
            System.arraycopy(layer, 0, values, end, layer.length);
            end += layer.length;
        }
        if (!next.isEmpty()) {
            System.arraycopy(counts(next), 0, values, size, StepTotals.COUNTS);
            values[size + StepTotals.COUNTS] = 1;
        }
        double[] sums = sumOverRanks(values);
        totalsOfNext = sums[size + StepTotals.COUNTS] == world.size() ? StepTotals.of(sums, size) : null;
        double balance = 0;
        double z = 0;
        List<RouterMetrics> layers = new ArrayList<>();
        if (!statistics.isEmpty()) {
            SwitchConfig sparse = model.config().sparse().orElseThrow();
            long groups = (long) sparse.capacity().balanceGroups(microRows) * config.accumulation() * world.size();
            int from = 2;
            for (int layer = 0; layer < statistics.size(); layer++) {
                double[] sum = Arrays.copyOfRange(sums, from, from + statistics.get(layer).length);
                from += sum.length;
                balance += sum[RoutingStatistics.BALANCE] / groups;
                z += sum[RoutingStatistics.Z] / Math.max(1, sum[RoutingStatistics.ROUTED]);
                layers.add(RouterMetrics.of(model.sparseLayerNames().get(layer), sum, sparse.router()));
            }
            balance *= sparse.balanceLoss();
            z *= sparse.routerZLoss();
        }
        return new StepMetrics(
                step,
                sums[0] / Math.max(1, totals.targetTokens()),
                balance,
                z,
                config.learningRate().at(step, config.steps()),
                Math.sqrt(sums[1]),
                totals.tokens(),
                0,
                0,
                0,
                layers,
                Optional.empty(),
                new TreeMap<>());
    }

    /** Sums in float64, whatever the engine computes in. */
    double[] sumOverRanks(double[] values) {
        if (world.size() == 1) {
            return values;
        }
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * Double.BYTES).order(ByteOrder.nativeOrder());
        bytes.asDoubleBuffer().put(values);
        try (Tensor tensor = engine.allocate(DType.FLOAT64, values.length)) {
            engine.upload(tensor, bytes);
            collectives.allReduceSum(tensor, world);
            engine.download(tensor, bytes);
        }
        double[] sums = new double[values.length];
        bytes.asDoubleBuffer().get(sums);
        return sums;
    }
}
