package dev.sparkswitch.train;

import dev.sparkswitch.engine.AdamWSlot;
import dev.sparkswitch.engine.AdamWStep;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Share;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** AdamW over the parameters of one rank. Weight decay spares vectors (norms), as is usual. */
public final class AdamW extends Optimizer {
    private final AdamWConfig config;
    private final Map<Share, Slots> slots = new EnumMap<>(Share.class);

    private record Slots(List<AdamWSlot> decayed, List<AdamWSlot> spared) {}

    /** An optimizer without history. */
    public AdamW(Engine engine, AdamWConfig config, List<Parameter> parameters) {
        super(engine, parameters);
        this.config = config;
        for (Share share : Share.values()) {
            Slots made = new Slots(new ArrayList<>(), new ArrayList<>());
            for (Parameter parameter : share.of(parameters)) {
                Tensor value = parameter.value();
                AdamWSlot slot = new AdamWSlot(
                        value,
                        parameter.gradient(),
                        newState(parameter, "first-moments", value.shape()),
                        newState(parameter, "second-moments", value.shape()));
                (value.axes() >= 2 ? made.decayed() : made.spared()).add(slot);
            }
            slots.put(share, new Slots(List.copyOf(made.decayed()), List.copyOf(made.spared())));
        }
    }

    @Override
    void update(Share share, long step, double learningRate, Tensor squares) {
        List<AdamWSlot> decayed = slots.get(share).decayed();
        update(settings(step, learningRate, config.weightDecay()), decayed, squares, 0);
        update(settings(step, learningRate, 0), slots.get(share).spared(), squares, decayed.size());
    }

    private void update(AdamWStep settings, List<AdamWSlot> some, Tensor squares, int from) {
        if (some.isEmpty()) {
            return;
        }
        if (squares == null) {
            engine().adamw(settings, some);
        } else {
            engine().adamw(settings, some, squares.slice(from, from + some.size()));
        }
    }

    private AdamWStep settings(long step, double learningRate, double weightDecay) {
        return new AdamWStep(learningRate, step, config.beta1(), config.beta2(), config.epsilon(), weightDecay);
    }
}
