package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.CheckpointState;
import dev.sparkswitch.checkpoint.Rollback;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchTransformer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains a model on one rank, in step with the others. Batch b holds the global rows {@code b * rows .. (b + 1) * rows - 1}; step
 * s takes the s-th batch of those that are not left out after a divergence. Its micro-batch m gives rank r the r-th of equal
 * runs of consecutive rows.
 */
public final class Trainer implements AutoCloseable {
    /** The losses that the next steps are compared with, among a checkpoint's values. */
    private static final String LOSSES = "recent-losses";
    /** The seconds of training that led to a checkpoint, among its values. */
    private static final String TRAINED = "trained-seconds";

    private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

    private final RankContext context;
    private final SwitchTransformer model;
    private final Engine engine;
    private final TrainingJob job;
    private final TrainingConfig config;
    private final Optimizer optimizer;
    private final TrainingStep training;
    private final TrainerCheckpoints checkpoints;
    private final int microRows;
    private final RowReading reading;
    private final List<Rollback> rollbacks;
    private final BatchOrder order;
    private final BestModel best = new BestModel();
    private final double startSeconds;
    private long step;
    private double trained;
    private boolean paused;
    /** The next step's rows, where they were read while the card was busy. */
    private List<HostBatch> ahead = List.of();

    private double lastHeldOut = Double.NaN;
    private OptionalDouble score = OptionalDouble.empty();

    /**
     * A trainer at the job's start: its checkpoint, or a fresh model.
     *
     * @throws UserException where the step's rows cannot be spread over the ranks
     */
    public Trainer(RankContext context, SwitchTransformer model, Parallelism parallelism, TrainingJob job) {
        this.context = context;
        this.model = model;
        this.engine = model.engine();
        this.job = job;
        this.config = job.config();
        this.optimizer = Optimizer.of(engine, config, model.parameters().all());
        this.training = new TrainingStep(model, parallelism, config, optimizer, job.teaching());
        this.microRows = training.microRows();
        this.reading = new RowReading(model.config(), microRows);
        this.checkpoints = new TrainerCheckpoints(context, model, optimizer, parallelism, job);
        this.rollbacks = job.checkpoints().rollbacks();
        this.order = new BatchOrder(rollbacks);
        long start = System.nanoTime();
        CheckpointState state = begin();
        this.startSeconds = (System.nanoTime() - start) / 1e9;
        this.step = state.step();
        training.guard().restore(state.values().getOrDefault(LOSSES, ""));
        best.restore(state.values());
        this.trained = Double.parseDouble(state.values().getOrDefault(TRAINED, "0"));
    }

    private CheckpointState begin() {
        try {
            if (willTakeCheckpoints()) {
                // Beside the making of the initial weights, which takes longer.
                checkpoints.prepare();
            }
            return checkpoints.restore();
        } catch (RuntimeException | Error e) {
            checkpoints.close();
            throw e;
        }
    }

    private boolean willTakeCheckpoints() {
        return config.checkpointAtEnd()
                || config.checkpointEvery() <= config.steps()
                || job.pauseAt().isPresent()
                || job.selection().isPresent();
    }

    /** Steps done. */
    public long step() {
        return step;
    }

    /** Whether {@link #run} ended at the job's time to pause, with steps left. */
    public boolean isPaused() {
        return paused;
    }

    /**
     * Trains until the last step, until the time for training is used up, until the job's time to pause or until nothing has
     * become better for long enough, writing metrics and checkpoints on the way.
     *
     * @throws DivergenceException where training left its course; what is to be left out is then noted for the next attempt
     * @throws UserException where it has done so too often
     */
    public void run() {
        try {
            train();
        } catch (RuntimeException e) {
            // What led to it is to be seen; whoever goes on from a checkpoint leaves out the lines past it.
            keepMetrics(e);
            throw e;
        }
    }

    private void keepMetrics(RuntimeException why) {
        try {
            job.metrics().ifPresent(MetricsLog::flush);
        } catch (RuntimeException e) {
            why.addSuppressed(e);
        }
    }

    private void train() {
        long began = System.nanoTime();
        boolean last = isLast();
        while (!last && !paused && !isStale()) {
            StepMetrics metrics = trainStep(began);
            last = isLast();
            paused = !last && isTimeToPause();
            boolean evaluated = last || step % config.evaluateEvery() == 0;
            score = OptionalDouble.empty();
            if (evaluated) {
                metrics = evaluate(metrics);
            }
            record(metrics, evaluated);
            boolean isBest = score.isPresent() && best.isAt(step);
            boolean ends = last || isStale();
            boolean kept = ends && config.checkpointAtEnd() || paused || isBest || step % config.checkpointEvery() == 0;
            if (kept || ends) {
                // Metrics first: whoever goes on from this checkpoint finds every line up to it.
                job.metrics().ifPresent(MetricsLog::flush);
            }
            if (kept) {
                checkpoints.save(state());
            }
            checkpoints.check();
        }
        checkpoints.finish();
        double seconds = (System.nanoTime() - began) / 1e9;
        LOG.info(String.format(
                Locale.ROOT,
                "checkpoints held rank %d up for %.2f of %.1f s (%.2f%%)",
                context.rank(),
                checkpoints.stallSeconds(),
                seconds,
                100 * checkpoints.stallSeconds() / Math.max(seconds, 1e-9)));
        LOG.info(reading.summary(context.rank(), seconds));
    }

    /** Seconds that this rank took to make its initial weights, or to load them. */
    public double startSeconds() {
        return startSeconds;
    }

    /** Seconds in which this rank could not train because of checkpoints. */
    public double stallSeconds() {
        return checkpoints.stallSeconds();
    }

    private boolean isLast() {
        return step >= config.steps()
                || config.time().isPresent()
                        && agreed(trained >= config.time().get().toNanos() / 1e9);
    }

    private boolean isTimeToPause() {
        return job.pauseAt().isPresent()
                && agreed(!Instant.now().isBefore(job.pauseAt().get()));
    }

    /** What rank 0 says: the clocks of others may go otherwise, but all must stop after the same step. */
    private boolean agreed(boolean said) {
        return training.sumOverRanks(new double[] {context.rank() == 0 && said ? 1 : 0})[0] > 0;
    }

    private boolean isStale() {
        return job.selection().map(rule -> best.isStale(rule.patience())).orElse(false);
    }

    /** Measures the model after a step; where one is to be chosen, that decides. */
    private StepMetrics evaluate(StepMetrics metrics) {
        Measured measured = measure(model);
        if (job.selection().isPresent()) {
            double found = measured.value();
            best.evaluated(step, -found);
            score = OptionalDouble.of(-found);
        }
        return metrics.evaluated(measured.heldOut(), measured.scores());
    }

    /**
     * What a model is worth.
     *
     * @param value what models are compared by, the higher the better; NaN where nothing is measured
     * @param heldOut its loss on the held-out rows, if there are any
     * @param scores its tasks' scores
     */
    public record Measured(double value, Optional<StepMetrics.HeldOutLoss> heldOut, SortedMap<String, Double> scores) {}

    /** Measures a model that this rank and all others hold as they hold the one that is trained. */
    public Measured measure(SwitchTransformer measured) {
        Optional<StepMetrics.HeldOutLoss> heldOut = job.heldOut().map(source -> heldOutLoss(measured, source));
        Optional<Validation.Measurement> tasks = job.selection()
                .flatMap(Selection::validation)
                .map(validation -> validation.measure(measured, training::sumOverRanks));
        measured.takeRoutingStatistics();
        double value = tasks.map(Validation.Measurement::value)
                .orElseGet(() -> heldOut.map(loss -> -loss.all()).orElse(Double.NaN));
        return new Measured(
                value, heldOut, tasks.map(Validation.Measurement::scores).orElseGet(TreeMap::new));
    }

    private CheckpointState state() {
        SortedMap<String, String> values = new TreeMap<>();
        values.put(LOSSES, training.guard().state());
        values.put(TRAINED, Double.toString(trained));
        best.save(values);
        // Where none is chosen the newest loss is good enough for a person to read.
        OptionalDouble shown =
                job.selection().isPresent() || Double.isNaN(lastHeldOut) ? score : OptionalDouble.of(lastHeldOut);
        return new CheckpointState(step, order.batch(step) * config.rows(), config.seed(), shown, values);
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

    /** One step: reads this rank's rows, runs a {@link TrainingStep}. */
    public StepMetrics trainStep(long began) {
        long start = System.nanoTime();
        List<HostBatch> batches = ahead.isEmpty() ? readStep(step) : ahead;
        ahead = List.of();
        try {
            StepMetrics metrics = training.run(step + 1, batches, start, began, this::readAhead);
            step++;
            trained += metrics.seconds();
            return metrics.trainedFor(trained);
        } catch (DivergenceException e) {
            throw rollBack(e.isFinite() ? e : e.saying(e.getMessage() + ": " + origin(batches)));
        }
    }

    /** Where the numbers of a step were lost: the earliest place that any rank found. */
    private String origin(List<HostBatch> batches) {
        String found;
        try {
            found = engine.stepsSumSquares()
                    ? training.searchGradients().report()
                    : training.search(step + 1, batches).report();
        } catch (RuntimeException e) {
            // What it was to explain is worse.
            LOG.warn("The origin of the step's numbers could not be looked for", e);
            found = NonFiniteSearch.NOTHING;
        }
        return NonFiniteSearch.earliest(context.allGather(found));
    }

    /**
     * Notes which batches the next attempt leaves out: the one that was met, and if the run diverged before in this stretch
     * between two checkpoints, all since the last of them, for the harm may be older than it showed.
     */
    private RuntimeException rollBack(DivergenceException found) {
        DivergenceConfig limits = config.divergence();
        if (rollbacks.size() >= limits.rollbacks()) {
            return new UserException("Training diverged: " + found.getMessage()
                    + (rollbacks.isEmpty() ? "" : ", after " + rollbacks.size() + " times of going back")
                    + ". Lower learning-rate.rate, lengthen learning-rate.warm-up or raise divergence.rollbacks;"
                    + " checkpoints before this step are untouched.");
        }
        long last = order.batch(step);
        long stretch = step / config.checkpointEvery() * config.checkpointEvery();
        boolean again = rollbacks.stream()
                .anyMatch(known -> known.step() > stretch && known.step() <= stretch + config.checkpointEvery());
        long first = again ? order.batch(stretch) : last;
        if (context.rank() == 0) {
            job.checkpoints().add(new Rollback(found.step(), first, last, found.getMessage()));
        }
        String skipped = first == last ? "batch " + last : "batches " + first + " to " + last;
        return found.saying(
                "training diverged (" + found.getMessage() + "): it goes back to a checkpoint and leaves out " + skipped
                        + ", for the " + ordinal(rollbacks.size() + 1) + " of at most " + limits.rollbacks()
                        + " times");
    }

    private static String ordinal(int number) {
        return switch (number) {
            case 1 -> "first";
            case 2 -> "second";
            case 3 -> "third";
            default -> number + "th";
        };
    }

    private List<HostBatch> readAhead() {
        ahead = step + 1 < config.steps() ? readStep(step + 1) : List.of();
        return ahead;
    }

    /** This rank's rows of the step after the first {@code step}. */
    private List<HostBatch> readStep(long step) {
        List<HostBatch> batches = new ArrayList<>();
        for (int micro = 0; micro < config.accumulation(); micro++) {
            long firstRow = order.batch(step) * config.rows()
                    + (long) (micro * context.worldSize() + context.rank()) * microRows;
            batches.add(reading.read(job.training(), firstRow));
        }
        return batches;
    }

    /** The loss on held-out rows, every rank taking its share; the routers' statistics of it are dropped. */
    public StepMetrics.HeldOutLoss heldOutLoss() {
        StepMetrics.HeldOutLoss loss = heldOutLoss(model, job.heldOut().orElseThrow());
        model.takeRoutingStatistics();
        return loss;
    }

    private StepMetrics.HeldOutLoss heldOutLoss(SwitchTransformer measured, TokenSource source) {
        int perRound = microRows * context.worldSize();
        long rows = Math.min(source.rows(), config.heldOutRows());
        long rounds = Math.max(1, rows / perRound);
        TextTokens text = job.text().orElse(new TextTokens(0, model.config().vocabularySize()));
        double[] sums = new double[4];
        for (long round = 0; round < rounds; round++) {
            HostBatch host = reading.read(source, round * perRound + (long) context.rank() * microRows);
            try (Batch batch = Batch.upload(engine, host);
                    Tensor losses = measured.tokenLosses(batch)) {
                double[] all = measured.download(losses);
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
        double[] all = training.sumOverRanks(sums);
        return new StepMetrics.HeldOutLoss(all[0] / all[1], all[2] / Math.max(1, all[3]), (long) all[1]);
    }

    @Override
    public void close() {
        try {
            checkpoints.close();
        } finally {
            optimizer.close();
        }
    }
}
