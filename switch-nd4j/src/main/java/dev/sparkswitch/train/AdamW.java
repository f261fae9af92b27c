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
        super(engine, decayedFirst(parameters));
        this.config = config;
        for (Parameter parameter : parameters) {
            Tensor value = parameter.value();
            AdamWSlot slot = new AdamWSlot(
                    value,
                    parameter.gradient(),
                    newState(parameter, "first-moments", value.shape()),
                    newState(parameter, "second-moments", value.shape()));
            (decays(parameter) ? decayed : spared).add(slot);
        }
    }

    private static boolean decays(Parameter parameter) {
        return parameter.value().axes() >= 2;
    }

    private static List<Parameter> decayedFirst(List<Parameter> parameters) {
        List<Parameter> ordered = new ArrayList<>();
        parameters.stream().filter(AdamW::decays).forEach(ordered::add);
        parameters.stream().filter(parameter -> !decays(parameter)).forEach(ordered::add);
        return ordered;
    }

    @Override
    void update(long step, double learningRate, Tensor squares) {
        AdamWStep settings = settings(step, learningRate, config.weightDecay());
        AdamWStep sparing = settings(step, learningRate, 0);
        if (squares == null) {
            engine().adamw(settings, decayed);
            engine().adamw(sparing, spared);
        } else {
            int end = decayed.size() + spared.size();
            engine().adamw(settings, decayed, squares.slice(0, decayed.size()));
            engine().adamw(sparing, spared, squares.slice(decayed.size(), end));
        }
    }

    private AdamWStep settings(long step, double learningRate, double weightDecay) {
        return new AdamWStep(learningRate, step, config.beta1(), config.beta2(), config.epsilon(), weightDecay);
    }
}
