package dev.sparkswitch.train;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Adafactor over the parameters of one rank, without momentum, with scaling by the parameter's RMS. */
public final class Adafactor implements AutoCloseable {
    private final Engine engine;
    private final AdafactorConfig config;
    private final List<AdafactorSlot> slots = new ArrayList<>();
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

    /** An optimizer without history. */
    public Adafactor(Engine engine, AdafactorConfig config, List<Parameter> parameters) {
        this.engine = engine;
        this.config = config;
        for (Parameter parameter : parameters) {
            Tensor value = parameter.value();
            int[] shape = value.shape();
            boolean factored = shape.length >= 2
                    && Math.min(shape[shape.length - 1], shape[shape.length - 2]) >= config.minFactoredDim();
            if (factored) {
                int[] columns = Arrays.copyOf(shape, shape.length - 1);
                columns[columns.length - 1] = shape[shape.length - 1];
                slots.add(new AdafactorSlot(
                        value,
                        parameter.gradient(),
                        moments(parameter, "row-moments", Arrays.copyOf(shape, shape.length - 1)),
                        moments(parameter, "column-moments", columns)));
            } else {
                slots.add(new AdafactorSlot(value, parameter.gradient(), moments(parameter, "moments", shape), null));
            }
        }
    }

    private Tensor moments(Parameter parameter, String kind, int... shape) {
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
    public void step(long step, double learningRate) {
        double decay = 1 - Math.pow(step, -config.decayExponent());
        engine.adafactor(
                new AdafactorStep(
                        learningRate, decay, config.epsilon1(), config.epsilon2(), config.clip(), config.scaling()),
                slots);
    }

    /** The optimizer's state, for checkpoints. */
    public List<StateTensor> state() {
        return List.copyOf(state);
    }

    @Override
    public void close() {
        state.forEach(tensor -> tensor.value().close());
    }
}
