package dev.sparkswitch.train;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Share;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Adafactor over the parameters of one rank, without momentum, with scaling by the parameter's RMS. */
public final class Adafactor extends Optimizer {
    private final AdafactorConfig config;
    private final Map<Share, List<AdafactorSlot>> slots = new EnumMap<>(Share.class);

    /** An optimizer without history. */
    public Adafactor(Engine engine, AdafactorConfig config, List<Parameter> parameters) {
        super(engine, parameters);
        this.config = config;
        for (Share share : Share.values()) {
            slots.put(share, share.of(parameters).stream().map(this::slot).toList());
        }
    }

    private AdafactorSlot slot(Parameter parameter) {
        Tensor value = parameter.value();
        int[] shape = value.shape();
        boolean factored = shape.length >= 2
                && Math.min(shape[shape.length - 1], shape[shape.length - 2]) >= config.minFactoredDim();
        if (!factored) {
            return new AdafactorSlot(value, parameter.gradient(), newState(parameter, "moments", shape), null);
        }
        int[] columns = Arrays.copyOf(shape, shape.length - 1);
        columns[columns.length - 1] = shape[shape.length - 1];
        return new AdafactorSlot(
                value,
                parameter.gradient(),
                newState(parameter, "row-moments", Arrays.copyOf(shape, shape.length - 1)),
                newState(parameter, "column-moments", columns));
    }

    @Override
    void update(Share share, long step, double learningRate, Tensor squares) {
        double decay = 1 - Math.pow(step, -config.decayExponent());
        AdafactorStep settings = new AdafactorStep(
                learningRate, decay, config.epsilon1(), config.epsilon2(), config.clip(), config.scaling());
        if (squares == null) {
            engine().adafactor(settings, slots.get(share));
        } else {
            engine().adafactor(settings, slots.get(share), squares);
        }
    }
}
