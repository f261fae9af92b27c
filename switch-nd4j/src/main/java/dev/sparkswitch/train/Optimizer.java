package dev.sparkswitch.train;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Updates the parameters of one rank by their gradients, and owns the state that this takes. */
public abstract sealed class Optimizer implements AutoCloseable permits Adafactor, AdamW {
    private final Engine engine;
    private final List<Parameter> parameters;
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

    /** @param parameters in the order in which {@link #update} takes them */
    Optimizer(Engine engine, List<Parameter> parameters) {
        this.engine = engine;
        this.parameters = List.copyOf(parameters);
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
        update(step, learningRate, null);
    }

    /**
     * {@link #step}, which also sums the gradients' squares, for {@link #squares}.
     *
     * @return FLOAT64, one sum a parameter, in this optimizer's order
     */
    final Tensor measuredStep(long step, double learningRate) {
        Tensor squares = engine.allocate(DType.FLOAT64, parameters.size());
        update(step, learningRate, squares);
        return squares;
    }

    /** What a {@link #measuredStep} has summed, once it is done. */
    final GradientSquares squares(Tensor sums) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(parameters.size() * Double.BYTES).order(ByteOrder.nativeOrder());
        engine.download(sums, bytes);
        double shared = 0;
        double experts = 0;
        for (int i = 0; i < parameters.size(); i++) {
            double sum = bytes.getDouble(i * Double.BYTES);
            if (parameters.get(i).spec().role() == Role.EXPERT) {
                experts += sum;
            } else {
                shared += sum;
            }
        }
        return new GradientSquares(shared, experts);
    }

    /**
     * Updates every parameter by its gradient.
     *
     * @param squares FLOAT64: takes the sum of squares of each parameter's gradient; null where nobody asks
     */
    abstract void update(long step, double learningRate, Tensor squares);

    /** The optimizer's state, for checkpoints. */
    public final List<StateTensor> state() {
        return List.copyOf(state);
    }

    @Override
    public final void close() {
        state.forEach(tensor -> tensor.value().close());
    }
}
