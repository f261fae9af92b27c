package dev.sparkswitch.bench;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Optimizer;
import dev.sparkswitch.train.OptimizerKind;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStep;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Times whole training steps, as a {@link dev.sparkswitch.train.Trainer} takes them, on random tokens: first as they are,
 * then some more with every operation's beginning and end marked, which costs time itself.
 */
public final class StepBenchmark {
    private static final int FIRST_TOKEN = 2;

    /**
     * What is measured.
     *
     * @param rows rows a step
     * @param inputLength input positions a row
     * @param targetLength target positions a row
     * @param warmUp steps before the first that counts
     * @param steps steps that count
     * @param profiled steps after those whose operations are timed; 0 for none
     * @param optimizer the rule of the updates
     */
    public record Plan(
            int rows, int inputLength, int targetLength, int warmUp, int steps, int profiled, OptimizerKind optimizer) {
        public Plan {
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

    private StepBenchmark(Plan plan, T5Config config) {
        this.plan = plan;
        this.config = config;
    }

    /**
     * Measures.
     *
     * @param engines opens an engine; asked twice, one after the other
     * @throws UserException where the rows do not make whole routing groups
     */
    public static StepReport run(Supplier<Engine> engines, T5Config config, Plan plan) {
        Ceilings ceilings;
        try (Engine engine = engines.get()) {
            ceilings = Ceilings.measure(engine);
        }
        try (Engine engine = engines.get()) {
            return new StepBenchmark(plan, config).measure(engine, ceilings);
        }
    }

    private StepReport measure(Engine bare, Ceilings ceilings) {
        Timeline timeline = new Timeline();
        Engine engine = new TimedEngine(bare, timeline);
        int experts = config.sparse().map(SwitchConfig::experts).orElse(1);
        Parallelism parallelism = new Parallelism(ExpertPlacement.single(experts), new SingleRank());
        TrainingConfig training = training();
        training.microRows(
                1,
                config.sparse().map(sparse -> sparse.capacity().rowsOfGroup()).orElse(1));
        try (SwitchTransformer model = new SwitchTransformer(engine, config, parallelism);
                Optimizer optimizer =
                        Optimizer.of(engine, training, model.parameters().all())) {
            fill(model);
            TrainingStep step = new TrainingStep(model, parallelism, training, optimizer);
            double[] seconds = new double[plan.steps()];
            double[] profiled = new double[plan.profiled()];
            StepMetrics last = null;
            int number = 0;
            try (Progress progress =
                    Progress.start("bench", "steps", plan.warmUp() + (long) plan.steps() + plan.profiled())) {
                for (int i = 0; i < plan.warmUp(); i++) {
                    last = step(step, ++number, progress);
                }
                Moment start = engine.moment();
                for (int i = 0; i < plan.steps(); i++) {
                    last = step(step, ++number, progress);
                    Moment end = engine.moment();
                    seconds[i] = end.secondsSince(start);
                    start.close();
                    start = end;
                }
                for (int i = 0; i < plan.profiled(); i++) {
                    timeline.start();
                    last = step(step, ++number, progress);
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
                    parameters(model),
                    plan,
                    config.dropout(),
                    seconds,
                    StepFlops.of(config, plan.rows(), plan.inputLength(), plan.targetLength()),
                    ceilings,
                    StepReport.Memory.of(model, optimizer),
                    last.crossEntropy(),
                    last.droppedFraction(),
                    profiled,
                    timeline.phases(),
                    timeline.operations());
        }
    }

    private StepMetrics step(TrainingStep step, int number, Progress progress) {
        long start = System.nanoTime();
        StepMetrics metrics = step.run(number, List.of(batch(number)), start, start);
        progress.advance(1);
        return metrics;
    }

    private TrainingConfig training() {
        return Configs.load(
                TrainingConfig.class,
                JsonNodeFactory.instance.objectNode(),
                List.of(
                        "rows=" + plan.rows(),
                        "steps=1000000",
                        "learning-rate.rate=0.001",
                        "learning-rate.schedule=constant",
                        "divergence.explosion=0",
                        "optimizer=" + plan.optimizer().name().toLowerCase()));
    }

    /** Rows without padding, of tokens as likely as each other. */
    private HostBatch batch(int number) {
        Random random = new Random(number);
        int[][] inputs = tokens(random, plan.inputLength());
        int[][] attention = new int[plan.rows()][plan.inputLength()];
        for (int[] row : attention) {
            Arrays.fill(row, 1);
        }
        return HostBatch.padded(inputs, attention, tokens(random, plan.targetLength()), config);
    }

    private int[][] tokens(Random random, int length) {
        int[][] tokens = new int[plan.rows()][length];
        for (int[] row : tokens) {
            for (int i = 0; i < length; i++) {
                row[i] = FIRST_TOKEN + random.nextInt(config.vocabularySize() - FIRST_TOKEN);
            }
        }
        return tokens;
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

    private static long parameters(SwitchTransformer model) {
        long count = 0;
        for (Parameter parameter : model.parameters().all()) {
            count += parameter.spec().count();
        }
        return count;
    }
}
