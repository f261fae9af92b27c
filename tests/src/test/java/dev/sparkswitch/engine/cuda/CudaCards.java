package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import java.util.Optional;
import org.bytedeco.cuda.global.cudart;

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

    /** A new engine for a rank, FLOAT32 or BF16; ranks beyond the number of cards share them. */
    public static Engine open(Precision precision, int rank) {
        return CudaEngine.open(precision, rank % count());
    }

    private static int count() {
        int[] count = new int[1];
        Cuda.check(cudart.cuDeviceGetCount(count), "cuDeviceGetCount", "the driver");
        return count[0];
    }
}
