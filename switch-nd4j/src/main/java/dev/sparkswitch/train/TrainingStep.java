package dev.sparkswitch.train;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.Exchange;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Share;
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
import java.util.function.Supplier;
import java.util.stream.DoubleStream;

/**
 * One step of one rank, in step with the others: the gradients of all its micro-batches, their sum over the ranks, an update.
 * All denominators of the loss count the whole step, so the result does not depend on the number of ranks or micro-batches.
 */
public final class TrainingStep {
    /** Where each number stands in what ranks sum: the loss, squares, the next step's counts, how many ranks know theirs. */
    private static final int LOSS = 0;

    private static final int SHARED_SQUARES = 1;
    private static final int EXPERT_SQUARES = 2;
    private static final int NEXT = 3;
    private static final int KNOWN = NEXT + StepTotals.COUNTS;
    /** The layers' statistics, one after the other. */
    private static final int STATISTICS = KNOWN + 1;

    private final SwitchTransformer model;
    private final Engine engine;
    private final Collectives collectives;
    private final ExpertPlacement placement;
    private final TrainingConfig config;
    private final Optimizer optimizer;
    private final DivergenceGuard guard;
    private final Optional<Teaching> teaching;
    private final RankGroup world;
    private final int microRows;
    /** Of the step at hand or, between two, of the one before. */
    private long firstRow;

    private final int groupRows;
    /** Batches that are on the engine before their step. */
    private final Map<HostBatch, Batch> ahead = new IdentityHashMap<>();
    /** The next step's batches; empty where they are not known. */
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

    /** A step after which nobody knows yet what comes. */
    public StepMetrics run(long step, List<HostBatch> batches, long start, long began) {
        return run(step, batches, start, began, List::of);
    }

    /**
     * Runs a step.
     *
     * @param step its number, from 1
     * @param batches this rank's micro-batches
     * @param start {@link System#nanoTime} at the start of the step, before its rows were read
     * @param began {@link System#nanoTime} at the start of the attempt
     * @param reader reads the next step's batches, while the engine is at work; they are on the engine before that step. None
     *     where nobody knows them or there is no next step
     * @throws ResourceException where memory does not suffice, with what would take less
     * @throws DivergenceException where training has left its course; the parameters are then worth nothing where the engine
     *     {@linkplain Engine#stepsSumSquares sums squares as it updates}, and as before where it does not
     */
    public StepMetrics run(
            long step, List<HostBatch> batches, long start, long began, Supplier<List<HostBatch>> reader) {
        StepTotals totals = totals(batches);
        firstRow = batches.isEmpty() ? 0 : batches.get(0).firstRow();
        model.parameters().resetGradients();
        GradientSums sums = new GradientSums(model.parameters(), collectives, placement, bucketBytes());
        List<Reading> losses;
        try {
            losses = backward(model, step, batches, totals, sums::advance);
        } catch (ResourceException e) {
            String advice = HeldMemory.of(model, optimizer).advice(config, microRows, groupRows);
            throw new ResourceException(e.getMessage() + ". " + advice, e);
        }
        // From here on to the end of the update the host is ahead of the engine, and should stay so.
        next = List.copyOf(reader.get());
        double lossSum = 0;
        for (Reading reading : losses) {
            lossSum += DoubleStream.of(reading.values()).sum();
        }
        Said said = new Said(step, totals, lossSum, model.takeRoutingStatistics());
        StepMetrics metrics = engine.stepsSumSquares() ? updateAndCheck(said, sums) : checkAndUpdate(said, sums);
        long now = System.nanoTime();
        return metrics.timed((now - start) / 1e9, (now - began) / 1e9);
    }

    /** What a step's forward passes say on this rank. */
    private record Said(long step, StepTotals totals, double lossSum, List<double[]> statistics) {}

    /** Sums squares as it updates: whether gradients are numbers is known behind the update, and nothing waits for it. */
    private StepMetrics updateAndCheck(Said said, GradientSums sums) {
        Supplier<double[]> summed = startSum(values(said, GradientSquares.NONE));
        // A loss that is no number is found out before the parameters go the same way: where it was lost can still be
        // seen.
        boolean lost = !Double.isFinite(said.lossSum());
        try (Tensor squares =
                lost ? lost(sums) : optimizer.measuredStep(said.step(), learningRate(said), sums::await)) {
            Exchange ofSquares = collectives.startAllReduceSum(squares, world);
            uploadNext();
            ofSquares.await();
            Reading reading = engine.read(squares);
            StepMetrics metrics = metrics(said, summed.get(), optimizer.squares(reading.values()));
            guard.check(metrics);
            return metrics;
        }
    }

    private StepMetrics checkAndUpdate(Said said, GradientSums sums) {
        sums.awaitAll();
        GradientSquares squares = new GradientSquares(
                engine.sumSquares(model.parameters().sharedGradients()),
                engine.sumSquares(model.parameters().gradients(Share.EXPERTS)));
        uploadNext();
        StepMetrics metrics = metrics(said, sumOverRanks(values(said, squares)), GradientSquares.NONE);
        guard.check(metrics);
        optimizer.step(said.step(), learningRate(said));
        return metrics;
    }

    private double learningRate(Said said) {
        return config.learningRate().at(said.step(), config.steps());
    }

    /** The sums of a step whose update is not made. */
    private Tensor lost(GradientSums sums) {
        sums.awaitAll();
        return optimizer.lostSquares();
    }

    /** Brings the next step's batches to the engine, behind what it is at work on: that step then begins without a transfer. */
    private void uploadNext() {
        ahead.values().forEach(Batch::close);
        ahead.clear();
        if (!next.isEmpty()) {
            engine.expectStep(next.get(0).firstRow() - firstRow);
        }
        for (HostBatch batch : next) {
            ahead.put(batch, Batch.upload(engine, batch));
        }
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
        static final int COUNTS = 4;

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
     * Starts all micro-batches; returns the losses of each.
     *
     * @param complete what is done each time that the last of them has completed gradients
     */
    private List<Reading> backward(
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
        List<Reading> losses = new ArrayList<>();
        for (int i = 0; i < batches.size(); i++) {
            HostBatch host = batches.get(i);
            if (i == batches.size() - 1) {
                model.parameters().lastPass(complete);
            }
            try (Batch batch = onEngine(host)) {
                losses.add(train(through, batch, host, settings));
            }
        }
        return losses;
    }

    private Reading train(SwitchTransformer through, Batch batch, HostBatch host, StepSettings settings) {
        if (teaching.isEmpty()) {
            return through.train(batch, settings);
        }
        Teaching how = teaching.get();
        try (Teacher.Lesson lesson = how.teacher().teach(batch, host)) {
            return through.distil(batch, settings, lesson.targets(), how.softShare(), how.temperature());
        }
    }

    private double[] values(Said said, GradientSquares squares) {
        List<double[]> statistics = said.statistics();
        double[] values = new double
                [STATISTICS + statistics.stream().mapToInt(each -> each.length).sum()];
        values[LOSS] = said.lossSum();
        values[SHARED_SQUARES] = squares.shared();
        values[EXPERT_SQUARES] = squares.experts();
        if (!next.isEmpty()) {
            System.arraycopy(counts(next), 0, values, NEXT, StepTotals.COUNTS);
            values[KNOWN] = 1;
        }
        int end = STATISTICS;
        for (double[] layer : statistics) {
            System.arraycopy(layer, 0, values, end, layer.length);
            end += layer.length;
        }
        return values;
    }

    /**
     * All but what a clock says.
     *
     * @param sums of all ranks' {@link #values}
     * @param squares of all ranks, beside those in the sums
     */
    private StepMetrics metrics(Said said, double[] sums, GradientSquares squares) {
        totalsOfNext = sums[KNOWN] == world.size() ? StepTotals.of(sums, NEXT) : null;
        // Shared gradients are the same on all ranks, those of an expert on all that hold it.
        double norm = Math.sqrt((sums[SHARED_SQUARES] + squares.shared()) / world.size()
                + (sums[EXPERT_SQUARES] + squares.experts()) * placement.expertParallel() / world.size());
        double balance = 0;
        double z = 0;
        List<RouterMetrics> layers = new ArrayList<>();
        List<double[]> own = said.statistics();
        if (!own.isEmpty()) {
            SwitchConfig sparse = model.config().sparse().orElseThrow();
            long groups = (long) sparse.capacity().balanceGroups(microRows) * config.accumulation() * world.size();
            int from = STATISTICS;
            for (int layer = 0; layer < own.size(); layer++) {
                double[] sum = Arrays.copyOfRange(sums, from, from + own.get(layer).length);
                from += sum.length;
                balance += sum[RoutingStatistics.BALANCE] / groups;
                z += sum[RoutingStatistics.Z] / Math.max(1, sum[RoutingStatistics.ROUTED]);
                layers.add(RouterMetrics.of(model.sparseLayerNames().get(layer), sum, sparse.router()));
            }
            balance *= sparse.balanceLoss();
            z *= sparse.routerZLoss();
        }
        return new StepMetrics(
                said.step(),
                sums[LOSS] / Math.max(1, said.totals().targetTokens()),
                balance,
                z,
                learningRate(said),
                norm,
                said.totals().tokens(),
                0,
                0,
                0,
                layers,
                Optional.empty(),
                new TreeMap<>());
    }

    /** Sums in float64, whatever the engine computes in. */
    double[] sumOverRanks(double[] values) {
        return startSum(values).get();
    }

    /** {@link #sumOverRanks}, beside what the engine is asked for until somebody wants the sums. */
    private Supplier<double[]> startSum(double[] values) {
        if (world.size() == 1) {
            return () -> values;
        }
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * Double.BYTES).order(ByteOrder.nativeOrder());
        bytes.asDoubleBuffer().put(values);
        Tensor tensor = engine.allocate(DType.FLOAT64, values.length);
        engine.upload(tensor, bytes);
        Exchange sum = collectives.startAllReduceSum(tensor, world);
        return () -> {
            sum.await();
            Reading reading = engine.read(tensor);
            tensor.close();
            return reading.values();
        };
    }
}
