package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;

/** The engine on the host, also where ND4J did not come along: then on loops of plain Java, which are as exact. */
public final class HostEngines {
    private HostEngines() {}

    /** A new engine, FLOAT32, FLOAT64 or BF16_PRODUCTS; the last needs ND4J. */
    public static Engine open(Precision precision, int threads) {
        return hasNd4j() ? new Nd4jEngine(precision, threads) : new Nd4jEngine(precision, threads, new PlainHost());
    }

    /** A new engine whose weights are multiplied as those of ND4J's CUDA backend are, by the backend that is here. */
    public static Engine multiplyingByNd4j(Precision precision) {
        return new Nd4jEngine(precision, 2, new Nd4jCard());
    }

    /** Whether ND4J is on the class path. */
    public static boolean hasNd4j() {
        try {
            Class.forName("org.nd4j.linalg.factory.Nd4j", false, HostEngines.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }
}
