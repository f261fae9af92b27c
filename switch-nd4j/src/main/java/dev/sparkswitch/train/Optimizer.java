package dev.sparkswitch.train;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.Share;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Updates the parameters of one rank by their gradients, and owns the state that this takes. */
public abstract sealed class Optimizer implements AutoCloseable permits Adafactor, AdamW {
    private final Engine engine;
    private final Map<Share, Integer> counts = new EnumMap<>(Share.class);
    private final List<StateTensor> state = new ArrayList<>();

    /**
     * A tensor of the optimizer's state.
     *
     * @param name the parameter's name and what of it
     * @param role the parameter's role
     * @param expert the expert that it belongs to, or -1
     * @param value master type
     */
    public record StateTensor(String name, Role role, int expert, Tensor value) {}

    Optimizer(Engine engine, List<Parameter> parameters) {
        this.engine = engine;
        for (Share share : Share.values()) {
            counts.put(share, share.of(parameters).size());
        }
    }

    /** The optimizer that {@code config} names, without history. */
    public static Optimizer of(Engine engine, TrainingConfig config, List<Parameter> parameters) {
        return switch (config.optimizer()) {
            case ADAFACTOR -> new Adafactor(engine, config.adafactor(), parameters);
            case ADAMW -> new AdamW(engine, config.adamw(), parameters);
        };
    }

    final Engine engine() {
        return engine;
    }

    /** A tensor of zeros that belongs to the state under the parameter's name. */
    final Tensor newState(Parameter parameter, String kind, int... shape) {
        Tensor tensor = engine.allocate(engine.precision().master(), shape);
        engine.fill(tensor, 0);
        state.add(new StateTensor(
                parameter.spec().name() + "/" + kind,
                parameter.spec().role(),
                parameter.spec().expert(),
                tensor));
        return tensor;
    }

    /** Updates every parameter by its gradient; {@code step} counts from 1. */
    public final void step(long step, double learningRate) {
        counts.forEach((share, count) -> {
            if (count > 0) {
                update(share, step, learningRate, null);
            }
        });
    }

    /**
     * {@link #step}, which also sums the gradients' squares, for {@link #squares}.
     *
     * @param complete called before each share: once it returns, what the engine is asked for next finds its gradients complete
     * @return FLOAT64, one sum a parameter
     */
    final Tensor measuredStep(long step, double learningRate, Consumer<Share> complete) {
        Tensor squares = allocateSquares();
        int from = 0;
        for (Share share : Share.values()) {
            complete.accept(share);
            int end = from + counts.get(share);
            if (end > from) {
                update(share, step, learningRate, squares.slice(from, end));
            }
            from = end;
        }
        return squares;
    }

    /** Sums of squares that are no numbers, in place of a {@link #measuredStep} that is not made. */
    final Tensor lostSquares() {
        Tensor squares = allocateSquares();
        engine.fill(squares, Double.NaN);
        return squares;
    }

    private Tensor allocateSquares() {
        return engine.allocate(
                DType.FLOAT64, counts.values().stream().mapToInt(count -> count).sum());
    }

    /** What a {@link #measuredStep} has summed. */
    final GradientSquares squares(double[] sums) {
        double shared = 0;
        double experts = 0;
        int from = 0;
        for (Share share : Share.values()) {
            int end = from + counts.get(share);
            double sum = Arrays.stream(sums, from, end).sum();
            shared += share.isOfAllRanks() ? sum : 0;
            experts += share.isOfAllRanks() ? 0 : sum;
            from = end;
        }
        return new GradientSquares(shared, experts);
    }

    /**
     * Updates a share of the parameters by their gradients.
     *
     * @param squares FLOAT64: takes the sum of squares of each parameter's gradient; null where nobody asks
     */
    abstract void update(Share share, long step, double learningRate, Tensor squares);

    /** The optimizer's state, for checkpoints. */
    public final List<StateTensor> state() {
        return List.copyOf(state);
    }

    @Override
    public final void close() {
        state.forEach(tensor -> tensor.value().close());
    }
}
