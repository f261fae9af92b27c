package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
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
import java.util.List;
import java.util.Optional;

/**
 * Trains a model on one rank, in step with the others. Step s takes the global rows {@code s * rows .. (s + 1) * rows - 1};
 * its micro-batch m gives rank r the r-th of equal runs of consecutive rows. All denominators of the loss count the whole
 * step, so the result does not depend on the number of ranks or micro-batches.
 */
public final class Trainer implements AutoCloseable {
    private final RankContext context;
    private final SwitchTransformer model;
    private final Engine engine;
    private final Collectives collectives;
    private final ExpertPlacement placement;
    private final TrainingJob job;
    private final TrainingConfig config;
    private final Optimizer optimizer;
    private final TrainerCheckpoints checkpoints;
    private final RankGroup world;
    private final int microRows;
    private final int groupRows;
    private long step;
    private double lastHeldOut = Double.NaN;

    /**
     * A trainer at the job's start: its checkpoint, or a fresh model.
     *
     * @throws UserException where the step's rows cannot be spread over the ranks
     */
    public Trainer(RankContext context, SwitchTransformer model, Parallelism parallelism, TrainingJob job) {
        this.context = context;
        this.model = model;
        this.engine = model.engine();
        this.collectives = parallelism.collectives();
        this.placement = parallelism.placement();
        this.job = job;
        this.config = job.config();
        this.world = RankGroup.world(context.worldSize());
        this.groupRows = model.config()
                .sparse()
                .map(sparse -> sparse.capacity().rowsOfGroup())
                .orElse(1);
        this.microRows = config.microRows(context.worldSize(), groupRows);
        this.optimizer = Optimizer.of(engine, config, model.parameters().all());
        this.checkpoints = new TrainerCheckpoints(context, model, optimizer, parallelism, job);
        this.step = checkpoints.restore();
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Trains until the last step, writing metrics and checkpoints on the way. */
    public void run() {
        long began = System.nanoTime();
        boolean evaluated = false;
        while (step < config.steps()) {
            StepMetrics metrics = trainStep(began);
            boolean last = step == config.steps();
            evaluated = job.heldOut().isPresent() && (last || step % config.evaluateEvery() == 0);
            if (evaluated) {
                metrics = withHeldOut(metrics, heldOutLoss());
            }
            record(metrics, last || evaluated);
            if (last || step % config.checkpointEvery() == 0) {
                // Metrics first: whoever goes on from this checkpoint finds every line up to it.
                job.metrics().ifPresent(MetricsLog::flush);
                checkpoints.save(step, (step * (long) config.rows()), lastHeldOut);
            }
        }
    }

    private void record(StepMetrics metrics, boolean always) {
        double held = metrics.heldOut().map(StepMetrics.HeldOutLoss::all).orElse(lastHeldOut);
        lastHeldOut = held;
        context.report(new TrainingStatus(
                metrics.step(),
                config.steps(),
                metrics.loss(),
                held,
                metrics.tokens() / Math.max(metrics.seconds(), 1e-9),
                metrics.droppedFraction()));
        if (always || metrics.step() % config.logEvery() == 0 || metrics.step() == 1) {
            job.metrics().ifPresent(log -> log.add(metrics));
        }
    }

    private static StepMetrics withHeldOut(StepMetrics metrics, StepMetrics.HeldOutLoss heldOut) {
        return new StepMetrics(
                metrics.step(),
                metrics.crossEntropy(),
                metrics.balanceLoss(),
                metrics.zLoss(),
                metrics.learningRate(),
                metrics.gradientNorm(),
                metrics.tokens(),
                metrics.seconds(),
                metrics.elapsed(),
                metrics.layers(),
                Optional.of(heldOut));
    }

    /** One step: gradients of all micro-batches, their sum over the ranks, an update. */
    public StepMetrics trainStep(long began) {
        long start = System.nanoTime();
        List<HostBatch> batches = readStep();
        StepTotals totals = totals(batches);
        model.parameters().resetGradients();
        double lossSum = backward(batches, totals);
        model.parameters().completeGradients();
        collectives.allReduceSum(model.parameters().sharedGradients(), world);
        collectives.allReduceSum(model.parameters().expertGradients(), placement.replicaGroup(context.rank()));
        StepMetrics metrics = metrics(totals, lossSum, start, began);
        if (!Double.isFinite(metrics.loss()) || !Double.isFinite(metrics.gradientNorm())) {
            throw new UserException("Training diverged at step " + (step + 1) + ": loss " + metrics.loss()
                    + ", gradient norm " + metrics.gradientNorm()
                    + ". Lower learning-rate.rate or lengthen learning-rate.warm-up; checkpoints before this step are"
                    + " untouched.");
        }
        optimizer.step(step + 1, metrics.learningRate());
        step++;
        return metrics;
    }

    private List<HostBatch> readStep() {
        List<HostBatch> batches = new ArrayList<>();
        for (int micro = 0; micro < config.accumulation(); micro++) {
            long firstRow = step * config.rows() + (long) (micro * context.worldSize() + context.rank()) * microRows;
            batches.add(read(job.training(), firstRow));
        }
        return batches;
    }

    private HostBatch read(TokenSource source, long firstRow) {
        try (TokenBatch tokens = source.read(firstRow, microRows)) {
            return TokenBatches.toHost(tokens, model.config());
        }
    }

    /** What the denominators of the step's loss count, over all ranks. */
    private record StepTotals(long targetTokens, long routedInputs, long routedTargets, long tokens) {}

    private StepTotals totals(List<HostBatch> batches) {
        double[] counts = new double[4];
        for (HostBatch batch : batches) {
            counts[0] += batch.targetTokens();
            counts[1] += batch.routedInputs();
            counts[2] += batch.routedTargets();
            counts[3] += nonZero(batch.inputKeySegments()) + nonZero(batch.targetKeySegments());
        }
        double[] sums = sumOverRanks(counts);
        return new StepTotals((long) sums[0], (long) sums[1], (long) sums[2], (long) sums[3]);
    }

    private static int nonZero(int[] values) {
        int count = 0;
        for (int value : values) {
            count += value == 0 ? 0 : 1;
        }
        return count;
    }

    /** Runs all micro-batches; returns this rank's sum of cross-entropies. */
    private double backward(List<HostBatch> batches, StepTotals totals) {
        int balanceGroups = model.config()
                .sparse()
                .map(sparse -> sparse.capacity().balanceGroups(microRows))
                .orElse(1);
        StepSettings settings = new StepSettings(
                config.seed(),
                Math.toIntExact(step + 1),
                totals.targetTokens(),
                (long) balanceGroups * config.accumulation() * context.worldSize(),
                totals.routedInputs(),
                totals.routedTargets(),
                config.labelSmoothing(),
                config.zLoss());
        double sum = 0;
        for (HostBatch host : batches) {
            try (Batch batch = Batch.upload(engine, host);
                    Tensor losses = model.train(batch, settings)) {
                for (double loss : model.download(losses)) {
                    sum += loss;
                }
            }
        }
        return sum;
    }

    private StepMetrics metrics(StepTotals totals, double lossSum, long start, long began) {
        List<double[]> statistics = model.takeRoutingStatistics();
        int layerSize = statistics.isEmpty() ? 0 : statistics.get(0).length;
        double[] values = new double[2 + statistics.size() * layerSize];
        values[0] = lossSum;
        // One rank of each exchange group counts in full; experts are apart on each, dense gradients the same on all.
        boolean firstReplica = context.rank() < placement.expertParallel();
        values[1] = (firstReplica ? engine.sumSquares(List.of(model.parameters().expertGradients())) : 0)
                + (context.rank() == 0
                        ? engine.sumSquares(List.of(model.parameters().sharedGradients()))
                        : 0);
        for (int layer = 0; layer < statistics.size(); layer++) {
            System.arraycopy(statistics.get(layer), 0, values, 2 + layer * layerSize, layerSize);
        }
        double[] sums = sumOverRanks(values);
        double balance = 0;
        double z = 0;
        List<RouterMetrics> layers = new ArrayList<>();
        if (layerSize > 0) {
            SwitchConfig sparse = model.config().sparse().orElseThrow();
            long groups =
                    (long) sparse.capacity().balanceGroups(microRows) * config.accumulation() * context.worldSize();
            for (int layer = 0; layer < statistics.size(); layer++) {
                double[] sum = Arrays.copyOfRange(sums, 2 + layer * layerSize, 2 + (layer + 1) * layerSize);
                balance += sum[RoutingStatistics.BALANCE] / groups;
                z += sum[RoutingStatistics.Z] / Math.max(1, sum[RoutingStatistics.ROUTED]);
                layers.add(RouterMetrics.of(model.sparseLayerNames().get(layer), sum, sparse.router()));
            }
            balance *= sparse.balanceLoss();
            z *= sparse.routerZLoss();
        }
        long now = System.nanoTime();
        return new StepMetrics(
                step + 1,
                sums[0] / Math.max(1, totals.targetTokens()),
                balance,
                z,
                config.learningRate().at(step + 1, config.steps()),
                Math.sqrt(sums[1]),
                totals.tokens(),
                (now - start) / 1e9,
                (now - began) / 1e9,
                layers,
                Optional.empty());
    }

    /** The loss on held-out rows, every rank taking its share; the routers' statistics of it are dropped. */
    public StepMetrics.HeldOutLoss heldOutLoss() {
        TokenSource source = job.heldOut().orElseThrow();
        int perRound = microRows * context.worldSize();
        long rows = Math.min(source.rows(), config.heldOutRows());
        long rounds = Math.max(1, rows / perRound);
        TextTokens text = job.text().orElse(new TextTokens(0, model.config().vocabularySize()));
        double[] sums = new double[4];
        for (long round = 0; round < rounds; round++) {
            HostBatch host = read(source, round * perRound + (long) context.rank() * microRows);
            try (Batch batch = Batch.upload(engine, host);
                    Tensor losses = model.tokenLosses(batch)) {
                double[] all = model.download(losses);
                for (int i = 0; i < all.length; i++) {
                    int target = host.targets()[i];
                    sums[0] += all[i];
                    sums[1] += target >= 0 ? 1 : 0;
                    if (text.isText(target)) {
                        sums[2] += all[i];
                        sums[3]++;
                    }
                }
            }
        }
        model.takeRoutingStatistics();
        double[] all = sumOverRanks(sums);
        return new StepMetrics.HeldOutLoss(all[0] / all[1], all[2] / Math.max(1, all[3]), (long) all[1]);
    }

    /** Sums in float64, whatever the engine computes in. */
    private double[] sumOverRanks(double[] values) {
        if (context.worldSize() == 1) {
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

    @Override
    public void close() {
        optimizer.close();
    }
}
