package dev.sparkswitch.train;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Adafactor over the parameters of one rank, without momentum, with scaling by the parameter's RMS. */
public final class Adafactor extends Optimizer {
    private final AdafactorConfig config;
    private final List<AdafactorSlot> slots = new ArrayList<>();

    /** An optimizer without history. */
    public Adafactor(Engine engine, AdafactorConfig config, List<Parameter> parameters) {
        super(engine, parameters);
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
                        newState(parameter, "row-moments", Arrays.copyOf(shape, shape.length - 1)),
                        newState(parameter, "column-moments", columns)));
            } else {
                slots.add(new AdafactorSlot(value, parameter.gradient(), newState(parameter, "moments", shape), null));
            }
        }
    }

    @Override
    void update(long step, double learningRate, Tensor squares) {
        double decay = 1 - Math.pow(step, -config.decayExponent());
        AdafactorStep settings = new AdafactorStep(
                learningRate, decay, config.epsilon1(), config.epsilon2(), config.clip(), config.scaling());
        if (squares == null) {
            engine().adafactor(settings, slots);
        } else {
            engine().adafactor(settings, slots, squares);
        }
    }
}
