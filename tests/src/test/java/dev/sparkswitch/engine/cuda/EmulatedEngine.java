package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;
import java.util.function.Supplier;

/** The CUDA engine on an emulated card, for tests elsewhere. */
public final class EmulatedEngine {
    private EmulatedEngine() {}

    /** Why there is none here; empty where there is one. */
    public static Optional<String> missing() {
        return SimtCompiler.missing();
    }

    /** A new engine, on any card, without one of the ways of computing that {@link Switches} names. */
    public static synchronized Engine without(String way, Supplier<Engine> open) {
        System.setProperty(Switches.PROPERTY, way);
        try {
            return open.get();
        } finally {
            System.clearProperty(Switches.PROPERTY);
        }
    }

    /** A new engine, FLOAT32 or BF16, whose card exchanges tensors with other such cards. */
    public static Engine openLinked(Precision precision) {
        return new CudaEngine(QueuedDevice.of(new EmulatedDevice(Optional.of(new EmulatedLink()))), precision);
    }

    /** {@link #openLinked} of a card that does not write into others' memory. */
    public static Engine openSending(Precision precision) {
        return without(Switches.CARD_COPIES, () -> openLinked(precision));
    }

    /** A new engine, FLOAT32 or BF16, whose card reaches no other. */
    public static Engine open(Precision precision) {
        return new CudaEngine(QueuedDevice.of(new EmulatedDevice()), precision);
    }
}
