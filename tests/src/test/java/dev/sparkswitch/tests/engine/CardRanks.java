package dev.sparkswitch.tests.engine;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/** Ranks of one process, each with an engine of its own, that train a model on random rows. */
final class CardRanks {
    private static final int EXPERTS = 8;

    private final EngineCase engines;
    private final int ranks;
    private final Size size;
    private final Duration deadline;

    /** How large a model and a step are. */
    record Size(int width, int vocabulary, int rows, int inputs, int targets) {
        /** What a card does in some milliseconds. */
        static final Size LARGE = new Size(256, 512, 16, 64, 32);

        static final Size TINY = new Size(16, 40, 4, 12, 8);

        static Size of(EngineCase engines) {
            return isCard(engines) ? LARGE : TINY;
        }

        private T5Config model() {
            return T5Config.builder()
                    .vocabularySize(vocabulary)
                    .modelSize(width)
                    .keySize(width / 4)
                    .heads(4)
                    .feedForwardSize(2 * width)
                    .encoderLayers(2)
                    .decoderLayers(2)
                    .dropout(0.1)
                    .sparse(SwitchConfig.of(EXPERTS, 1, 1, CapacityConfig.group(2, 1.25, 2.0, 1)))
                    .build();
        }

        /** A rank's rows of a step: random tokens, whose targets are the inputs' first tokens, each plus one. */
        private HostBatch batch(long step, int rank, int ranks) {
            int count = rows / ranks;
            int[][] tokens = new int[count][];
            int[][] mask = new int[count][inputs];
            int[][] labels = new int[count][targets];
            for (int row = 0; row < count; row++) {
                Random random = new Random(1000 * step + (long) rank * count + row);
                tokens[row] = random.ints(inputs, 2, vocabulary - 1).toArray();
                Arrays.fill(mask[row], 1);
                for (int i = 0; i < targets; i++) {
                    labels[row][i] = tokens[row][i] + 1;
                }
            }
            return HostBatch.padded(tokens, mask, labels, model()).startingAt((long) rank * count);
        }
    }

    /** Whether the engines compute on cards that are there. */
    static boolean isCard(EngineCase engines) {
        return engines.name().startsWith("cuda");
    }

    /** Every engine on cards, real or emulated, with links to others and without. */
    static Stream<EngineCase> engines() {
        return EngineCase.all()
                .filter(engine -> engine.name().contains("cuda"))
                .flatMap(engine -> engine.linked().stream());
    }

    /** What a rank does before each step, and at its end. */
    interface Before {
        void step(int rank, int step) throws Exception;

        /** The rank has ended. */
        default void ended(int rank) {}
    }

    CardRanks(EngineCase engines, int ranks, Size size, Duration deadline) {
        this.engines = engines;
        this.ranks = ranks;
        this.size = size;
        this.deadline = deadline;
    }

    /** Trains; returns for each rank its steps, or how it failed. */
    List<FutureTask<List<StepMetrics>>> train(int steps, Before before) throws InterruptedException {
        List<FutureTask<List<StepMetrics>>> tasks = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (InProcessCollectives host : InProcessCollectives.world(ranks, deadline)) {
            FutureTask<List<StepMetrics>> task = new FutureTask<>(() -> rank(host, steps, before));
            tasks.add(task);
            Thread thread = new Thread(task, "rank-" + host.rank());
            thread.setDaemon(true);
            threads.add(thread);
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        return tasks;
    }

    /** The steps of the first rank of a run in which nothing fails. */
    List<StepMetrics> train(int steps) throws InterruptedException, ExecutionException {
        List<FutureTask<List<StepMetrics>>> tasks = train(steps, (rank, step) -> {});
        for (FutureTask<List<StepMetrics>> task : tasks) {
            task.get();
        }
        return tasks.get(0).get();
    }

    private List<StepMetrics> rank(InProcessCollectives host, int steps, Before before) throws Exception {
        try (host;
                Engine engine = engines.make(host.rank());
                Collectives collectives = Collectives.of(host, engine)) {
            return rank(host, engine, collectives, steps, before);
        } finally {
            before.ended(host.rank());
        }
    }

    private List<StepMetrics> rank(
            InProcessCollectives host, Engine engine, Collectives collectives, int steps, Before before)
            throws Exception {
        Parallelism parallelism = new Parallelism(new ExpertPlacement(EXPERTS, ranks, ranks), collectives);
        TrainingConfig config = Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "rows=" + size.rows(),
                        "steps=" + steps,
                        "bucket-bytes=100000",
                        "exchange-chunks=2",
                        "adafactor.min-factored-dim=16",
                        "learning-rate.warm-up=100"));
        try (SwitchTransformer model = new SwitchTransformer(engine, size.model(), parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, config, model.parameters().all())) {
            new Initializer(5, 1, 1).initialize(model);
            TrainingStep step = new TrainingStep(model, parallelism, config, optimizer);
            List<StepMetrics> made = new ArrayList<>();
            IntFunction<List<HostBatch>> batches =
                    number -> number > steps ? List.of() : List.of(size.batch(number, host.rank(), ranks));
            List<HostBatch> coming = batches.apply(1);
            for (int number = 1; number <= steps; number++) {
                before.step(host.rank(), number);
                List<HostBatch> next = batches.apply(number + 1);
                made.add(step.run(number, coming, 0, 0, () -> next));
                coming = next;
            }
            return made;
        } catch (Exception | Error e) {
            // Before what it holds is closed, so that the others hear the cause.
            host.abort(e);
            throw e;
        }
    }
}
