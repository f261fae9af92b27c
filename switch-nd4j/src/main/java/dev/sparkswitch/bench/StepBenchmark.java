package dev.sparkswitch.bench;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.CollectiveException;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.Recomputation;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.IntFunction;

/**
 * Times whole training steps, as a {@link dev.sparkswitch.train.Trainer} takes them, on random tokens: first as they are,
 * then some more with the exchanges' beginnings and ends marked, if there are any, and some with every operation's, which costs
 * time itself. Several ranks are threads of this process, each with an engine of its own.
 */
public final class StepBenchmark {
    /**
     * What is measured.
     *
     * @param ranks ranks that share the step
     * @param rows rows a step, of all ranks
     * @param inputLength input positions a row
     * @param targetLength target positions a row
     * @param warmUp steps before the first that counts
     * @param steps steps that count
     * @param profiled steps after those whose operations are timed; 0 for none
     * @param optimizer the rule of the updates
     * @param exchangeChunks as in {@link TrainingConfig}
     */
    public record Plan(
            int ranks,
            int rows,
            int inputLength,
            int targetLength,
            int warmUp,
            int steps,
            int profiled,
            OptimizerKind optimizer,
            int exchangeChunks) {
        public Plan {
            if (ranks < 1 || rows % ranks != 0) {
                throw new UserException("batch " + rows + " cannot be spread evenly over ranks " + ranks + ".");
            }
            if (rows < 1 || inputLength < 1 || targetLength < 1) {
                throw new UserException("batch, inputs and targets are " + rows + ", " + inputLength + " and "
                        + targetLength + ": each must be at least 1.");
            }
            if (steps < 1 || warmUp < 0 || profiled < 0) {
                throw new UserException("steps, warm-up and profiled are " + steps + ", " + warmUp + " and " + profiled
                        + ": steps must be at least 1, the others at least 0.");
            }
        }
    }

    private final Plan plan;
    private final T5Config config;
    private final TrainingConfig training;
    private final ExpertPlacement placement;
    private final RandomStep rows;

    private StepBenchmark(Plan plan, T5Config config) {
        this.plan = plan;
        this.config = config;
        this.training = RandomStep.training(plan.rows(), plan.optimizer(), Recomputation.NONE, plan.exchangeChunks());
        training.microRows(
                plan.ranks(),
                config.sparse().map(sparse -> sparse.capacity().rowsOfGroup()).orElse(1));
        this.placement = ExpertPlacement.of(config, plan.ranks(), plan.ranks());
        this.rows = new RandomStep(config, plan.rows() / plan.ranks(), plan.inputLength(), plan.targetLength());
    }

    /**
     * Measures; the report is that of the first rank.
     *
     * @param engines opens the engine of a rank; asked twice for the first, one after the other
     * @throws UserException where the rows do not make whole routing groups, or the experts cannot be spread over the ranks
     */
    public static StepReport run(IntFunction<Engine> engines, T5Config config, Plan plan) {
        StepBenchmark benchmark = new StepBenchmark(plan, config);
        Ceilings ceilings;
        try (Engine engine = engines.apply(0)) {
            ceilings = Ceilings.measure(engine);
        }
        List<FutureTask<StepReport>> ranks = new ArrayList<>();
        for (InProcessCollectives host : InProcessCollectives.world(plan.ranks())) {
            ranks.add(new FutureTask<>(() -> benchmark.rank(host, engines, ceilings)));
        }
        for (int rank = 1; rank < plan.ranks(); rank++) {
            Thread thread = new Thread(ranks.get(rank), "rank-" + rank);
            thread.setDaemon(true);
            thread.start();
        }
        ranks.get(0).run();
        return result(ranks);
    }

    /** The first rank's report, once all have ended; a failure is told by the rank that it began on. */
    private static StepReport result(List<FutureTask<StepReport>> ranks) {
        StepReport first = null;
        Throwable failure = null;
        for (int rank = ranks.size() - 1; rank >= 0; rank--) {
            try {
                first = ranks.get(rank).get();
            } catch (ExecutionException e) {
                boolean told = failure == null || failure instanceof CollectiveException;
                failure = told ? e.getCause() : failure;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InternalException("the benchmark was interrupted", e);
            }
        }
        if (failure instanceof RuntimeException known) {
            throw known;
        }
        if (failure != null) {
            throw new InternalException("a rank of the benchmark failed", failure);
        }
        return first;
    }

    private StepReport rank(InProcessCollectives host, IntFunction<Engine> engines, Ceilings ceilings) {
        try (Engine engine = engines.apply(host.rank())) {
            Timeline timeline = new Timeline(engine);
            try (Collectives collectives = new MeteredCollectives(Collectives.of(host, engine), timeline)) {
                try {
                    return measure(engine, new Parallelism(placement, collectives), timeline, ceilings);
                } catch (RuntimeException | Error e) {
                    // Before this rank takes leave, so that the others hear the cause.
                    host.abort(e);
                    throw e;
                }
            }
        } catch (RuntimeException | Error e) {
            host.abort(e);
            throw e;
        } finally {
            host.close();
        }
    }

    private StepReport measure(Engine bare, Parallelism parallelism, Timeline timeline, Ceilings ceilings) {
        Engine engine = new MeteredEngine(bare, timeline);
        boolean first = parallelism.rank() == 0;
        try (SwitchTransformer model = new SwitchTransformer(engine, config, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            fill(model);
            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            double[] seconds = new double[plan.steps()];
            double[] profiled = new double[plan.profiled()];
            StepMetrics last = null;
            Optional<StepReport.Exchanges> exchanges;
            int exchanging = plan.ranks() == 1 ? 0 : plan.profiled();
            long total = plan.warmUp() + (long) plan.steps() + exchanging + plan.profiled();
            try (Progress progress = first ? Progress.start("bench", "steps", total) : null) {
                Steps steps = new Steps(step, parallelism.rank(), progress);
                for (int i = 0; i < plan.warmUp(); i++) {
                    last = steps.next();
                }
                Moment start = engine.moment();
                for (int i = 0; i < plan.steps(); i++) {
                    last = steps.next();
                    Moment end = engine.moment();
                    seconds[i] = end.secondsSince(start);
                    start.close();
                    start = end;
                }
                double exchangeSeconds = 0;
                for (int i = 0; i < exchanging; i++) {
                    timeline.start(Timeline.Marks.EXCHANGES);
                    last = steps.next();
                    Moment end = engine.moment();
                    timeline.stop();
                    exchangeSeconds += end.secondsSince(start);
                    start.close();
                    start = end;
                }
                exchanges = StepReport.Exchanges.of(timeline, exchangeSeconds, exchanging);
                timeline.clear();
                for (int i = 0; i < plan.profiled(); i++) {
                    timeline.start(Timeline.Marks.ALL);
                    last = steps.next();
                    Moment end = engine.moment();
                    timeline.stop();
                    profiled[i] = end.secondsSince(start);
                    start.close();
                    start = end;
                }
                start.close();
            }
            return new StepReport(
                    engine.description(),
                    engine.precision(),
                    ParameterSpecs.count(config),
                    plan,
                    config.dropout(),
                    seconds,
                    StepFlops.of(config, plan.rows(), plan.inputLength(), plan.targetLength()),
                    ceilings,
                    StepReport.Memory.of(model, optimizer),
                    last.crossEntropy(),
                    last.droppedFraction(),
                    exchanges,
                    profiled,
                    timeline.phases(),
                    timeline.operations());
        }
    }

    /** The steps of a rank, one after the other; each makes the next one's rows while the engine updates parameters. */
    private final class Steps {
        private final TrainingStep step;
        private final int rank;
        /** Null for ranks that show none. */
        private final Progress progress;

        private int number;
        private List<HostBatch> ahead;

        Steps(TrainingStep step, int rank, Progress progress) {
            this.step = step;
            this.rank = rank;
            this.progress = progress;
            this.ahead = batches(1);
        }

        private List<HostBatch> batches(int number) {
            return List.of(rows.batch(plan.ranks() * number + rank));
        }

        StepMetrics next() {
            number++;
            List<HostBatch> batches = ahead;
            long start = System.nanoTime();
            StepMetrics metrics = step.run(number, batches, start, start, () -> {
                ahead = batches(number + 1);
                return ahead;
            });
            if (progress != null) {
                progress.advance(1);
            }
            return metrics;
        }
    }

    /** Weights of the usual sizes; their exact distribution does not matter to a clock. */
    private static void fill(SwitchTransformer model) {
        for (Parameter parameter : model.parameters().all()) {
            Tensor value = parameter.value();
            switch (parameter.spec().kind()) {
                case NORM -> model.engine().fill(value, 1);
                case EMBEDDING, HEAD -> RandomTensors.fill(model.engine(), value, 1);
                case RELATIVE_BIAS, PROJECTION ->
                    RandomTensors.fill(
                            model.engine(),
                            value,
                            Math.sqrt(0.1 / parameter.spec().fanIn()));
            }
        }
    }
}
