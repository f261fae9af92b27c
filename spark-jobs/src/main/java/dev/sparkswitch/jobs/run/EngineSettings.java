package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;

/**
 * What computes.
 *
 * @param precision the arithmetic
 * @param threads processor threads of a rank; 0: the cores that Spark gave it
 */
public record EngineSettings(
        @Setting(value = "float32", help = "arithmetic: float32 or float64")
        Precision precision,

        @Setting(value = "0", help = "processor threads of a rank; 0: the cores of its executor")
        int threads) {
    public EngineSettings {
        if (precision == Precision.BF16) {
            throw new IllegalArgumentException(
                    "precision bf16 needs an engine that this build does not have: choose" + " float32");
        }
        if (threads < 0) {
            throw new IllegalArgumentException("threads " + threads + " must be 0 or more");
        }
    }

    /** An engine; {@code cores} are those of the executor. */
    public Engine open(int cores) {
        return new Nd4jEngine(precision, threads == 0 ? Math.max(1, cores) : threads);
    }
}
