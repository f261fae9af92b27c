package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;

/** The CUDA engine on an emulated card, for tests elsewhere. */
public final class EmulatedEngine {
    private EmulatedEngine() {}

    /** Why there is none here; empty where there is one. */
    public static Optional<String> missing() {
        return SimtCompiler.missing();
    }

    /** A new engine, FLOAT32 or BF16. */
    public static Engine open(Precision precision) {
        return new CudaEngine(new EmulatedDevice(), precision);
    }
}
