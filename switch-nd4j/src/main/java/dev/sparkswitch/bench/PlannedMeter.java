package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/** Adds up what operations would take on a card of given rates. */
final class PlannedMeter implements Meter {
    private final CardRates rates;
    private final Map<Phase, Work> phases = new EnumMap<>(Phase.class);
    private double seconds;

    PlannedMeter(CardRates rates) {
        this.rates = rates;
    }

    @Override
    public <T> T measure(Phase phase, String operation, double flops, double bytes, Supplier<T> work) {
        T result = work.get();
        add(phase, rates.seconds(phase, flops, bytes + made(result)), flops);
        return result;
    }

    void add(Phase phase, double taken, double flops) {
        seconds += taken;
        phases.merge(phase, new Work(1, taken, flops), Work::plus);
    }

    /** The engine's clock: what all operations counted so far would take. */
    double seconds() {
        return seconds;
    }

    /** Bytes that an operation writes anew. */
    private static double made(Object result) {
        if (result instanceof Tensor tensor) {
            return MeteredEngine.bytes(tensor);
        }
        if (result instanceof Engine.Normalized normalized) {
            return MeteredEngine.bytes(normalized.sum(), normalized.normalized());
        }
        if (result instanceof Engine.Attention attention) {
            return MeteredEngine.bytes(attention.result());
        }
        if (result instanceof Engine.Activated activated) {
            return MeteredEngine.bytes(activated.result());
        }
        if (result instanceof Engine.LossGradient loss) {
            return MeteredEngine.bytes(loss.dHidden());
        }
        return result instanceof Engine.CombineGradient combined ? MeteredEngine.bytes(combined.dSlots()) : 0;
    }

    /** Forgets what was counted. */
    void clear() {
        phases.clear();
        seconds = 0;
    }

    Map<Phase, Work> phases() {
        return phases;
    }
}
