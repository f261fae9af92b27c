package dev.sparkswitch.bench;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.model.T5Config;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Times single operations of an engine at the sizes that a model's training step has. */
public final class OperationBenchmark {
    /** Repetitions of an operation between two readings of the clock take at least this long. */
    private static final double LEAST_SECONDS = 2e-3;

    private static final int WARM_UP = 2;

    /**
     * What is measured.
     *
     * @param rows rows a step
     * @param inputLength input positions a row
     * @param targetLength target positions a row
     * @param repeats readings of the clock an operation
     * @param named only operations whose names contain this; empty for all
     */
    public record Plan(int rows, int inputLength, int targetLength, int repeats, String named) {
        public Plan {
            if (rows < 1 || inputLength < 1 || targetLength < 1 || repeats < 1) {
                throw new UserException("batch, inputs, targets and repeats are " + rows + ", " + inputLength + ", "
                        + targetLength + " and " + repeats + ": each must be at least 1.");
            }
        }
    }

    /**
     * What an operation took.
     *
     * @param seconds the median
     */
    public record Timed(String name, double seconds, double flops, double bytes) {
        /** The least time that arithmetic or memory would need, over the time taken. */
        double share(Ceilings ceilings) {
            return Math.max(flops / ceilings.flopsPerSecond(), bytes / ceilings.bytesPerSecond()) / seconds;
        }
    }

    private OperationBenchmark() {}

    /**
     * Measures.
     *
     * @param engines opens an engine; asked twice, one after the other
     * @throws UserException where no operation has a name like the one asked for
     */
    public static OperationReport run(Supplier<Engine> engines, T5Config config, Plan plan) {
        Ceilings ceilings;
        try (Engine engine = engines.get()) {
            ceilings = Ceilings.measure(engine);
        }
        try (Engine engine = engines.get()) {
            List<Timed> times = new ArrayList<>();
            for (ModelOperations.Family family : ModelOperations.of(config, plan)) {
                try (ModelOperations.Prepared prepared = family.prepare(engine)) {
                    for (ModelOperations.Operation operation : prepared.operations()) {
                        if (operation.name().contains(plan.named())) {
                            times.add(time(engine, operation, plan.repeats()));
                        }
                    }
                }
            }
            if (times.isEmpty()) {
                throw new UserException("No operation of this model has \"" + plan.named()
                        + "\" in its name: leave named out to see all of them.");
            }
            return new OperationReport(engine.description(), ceilings, times);
        }
    }

    private static Timed time(Engine engine, ModelOperations.Operation operation, int repeats) {
        for (int i = 0; i < WARM_UP; i++) {
            operation.work().run();
        }
        int count = (int) Math.ceil(LEAST_SECONDS / Math.max(1e-7, once(engine, operation, 1)));
        double[] seconds = new double[repeats];
        for (int i = 0; i < repeats; i++) {
            seconds[i] = once(engine, operation, Math.max(1, count)) / Math.max(1, count);
        }
        return new Timed(operation.name(), Ceilings.median(seconds), operation.flops(), operation.bytes());
    }

    private static double once(Engine engine, ModelOperations.Operation operation, int count) {
        try (Moment start = engine.moment()) {
            for (int i = 0; i < count; i++) {
                operation.work().run();
            }
            return Ceilings.since(engine, start);
        }
    }
}
