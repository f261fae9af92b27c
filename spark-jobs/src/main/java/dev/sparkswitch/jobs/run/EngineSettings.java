package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What computes.
 *
 * @param kind which engine
 * @param precision the arithmetic
 * @param threads processor threads of a rank on the nd4j engine; 0: the cores that Spark gave it
 */
public record EngineSettings(
        @Setting(value = "auto", help = "auto (a CUDA card where there is one), cuda or nd4j (the processor)")
        Kind kind,

        @Setting(value = "auto", help = "arithmetic: auto (bf16 on cuda, float32 on nd4j), bf16, float32 or float64")
        Arithmetic precision,

        @Setting(value = "0", help = "processor threads of a rank on nd4j; 0: the cores of its executor")
        int threads) {
    private static final Logger LOG = LoggerFactory.getLogger(EngineSettings.class);

    /** The engines to choose from. */
    public enum Kind {
        /** CUDA where it can compute as asked, otherwise ND4J. */
        AUTO,
        /** A CUDA card. */
        CUDA,
        /** The processor. */
        ND4J
    }

    /** The arithmetics to choose from. */
    public enum Arithmetic {
        /** What suits the engine: bf16 on CUDA, float32 on ND4J. */
        AUTO,
        /** Activations in bfloat16, parameters in float32; CUDA only. */
        BF16,
        /** Everything in float32. */
        FLOAT32,
        /** Everything in float64; ND4J only. */
        FLOAT64
    }

    public EngineSettings {
        if (kind == Kind.ND4J && precision == Arithmetic.BF16) {
            throw new IllegalArgumentException("precision bf16 needs a CUDA card: choose kind cuda, or float32");
        }
        if (kind == Kind.CUDA && precision == Arithmetic.FLOAT64) {
            throw new IllegalArgumentException("precision float64 needs kind nd4j");
        }
        if (threads < 0) {
            throw new IllegalArgumentException("threads " + threads + " must be 0 or more");
        }
    }

    /**
     * An engine.
     *
     * @param cores the executor's
     * @param card the CUDA card, counted from 0
     * @throws ResourceException where a CUDA card is asked for and there is none to use
     */
    public Engine open(int cores, int card) {
        return switch (kind) {
            case CUDA -> told(cuda(card), "as configured");
            case ND4J -> told(nd4j(cores), "as configured");
            case AUTO -> precision == Arithmetic.FLOAT64 ? told(nd4j(cores), "for float64") : fastest(cores, card);
        };
    }

    private Engine fastest(int cores, int card) {
        try {
            return told(cuda(card), "the fastest here");
        } catch (ResourceException e) {
            if (precision == Arithmetic.BF16) {
                throw e;
            }
            return told(nd4j(cores), e.getMessage());
        }
    }

    private static Engine told(Engine engine, String reason) {
        LOG.info("engine {} ({})", engine.description(), reason);
        return engine;
    }

    private Engine cuda(int card) {
        return CudaEngine.open(precision == Arithmetic.FLOAT32 ? Precision.FLOAT32 : Precision.BF16, card);
    }

    private Engine nd4j(int cores) {
        Precision host = precision == Arithmetic.FLOAT64 ? Precision.FLOAT64 : Precision.FLOAT32;
        return new Nd4jEngine(host, threads == 0 ? Math.max(1, cores) : threads);
    }
}
