package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;

/** The CUDA engine on this machine's card, where there is one. */
public final class CudaCards {
    /** Held to the end, so that the card is not set up again for every test. */
    private static CudaEngine first;

    private static String missing;

    private CudaCards() {}

    /** Why there is none here; empty where there is one. */
    public static synchronized Optional<String> missing() {
        if (first == null && missing == null) {
            try {
                first = CudaEngine.open(Precision.FLOAT32, 0);
            } catch (ResourceException e) {
                missing = "tests on a CUDA card are left out: " + e.getMessage();
            }
        }
        return Optional.ofNullable(missing);
    }

    /** A new engine, FLOAT32 or BF16. */
    public static Engine open(Precision precision) {
        return CudaEngine.open(precision, 0);
    }
}
