package dev.sparkswitch.train;

import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import java.util.ArrayList;
import java.util.List;

/** AdamW over the parameters of one rank. Weight decay spares vectors (norms), as is usual. */
public final class AdamW extends Optimizer {
    private final AdamWConfig config;
    private final List<AdamWSlot> decayed = new ArrayList<>();
    private final List<AdamWSlot> spared = new ArrayList<>();

    /** An optimizer without history. */
    public AdamW(Engine engine, AdamWConfig config, List<Parameter> parameters) {
        super(engine);
        this.config = config;
        for (Parameter parameter : parameters) {
            Tensor value = parameter.value();
            AdamWSlot slot = new AdamWSlot(
                    value,
                    parameter.gradient(),
                    newState(parameter, "first-moments", value.shape()),
                    newState(parameter, "second-moments", value.shape()));
            (value.axes() >= 2 ? decayed : spared).add(slot);
        }
    }

    @Override
    public void step(long step, double learningRate) {
        engine().adamw(settings(step, learningRate, config.weightDecay()), decayed);
        engine().adamw(settings(step, learningRate, 0), spared);
    }

    private AdamWStep settings(long step, double learningRate, double weightDecay) {
        return new AdamWStep(learningRate, step, config.beta1(), config.beta2(), config.epsilon(), weightDecay);
    }
}
