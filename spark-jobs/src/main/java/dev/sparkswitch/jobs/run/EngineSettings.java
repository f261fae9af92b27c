package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What computes.
 *
 * @param kind the engine
 * @param precision the arithmetic; bf16 on a card and float32 on a processor where nothing is said. On a processor bf16 is that
 *     of products alone
 * @param threads processor threads of a rank; 0: the cores that Spark gave it
 */
public record EngineSettings(
        @Setting(value = "auto", help = "auto, cuda or nd4j; auto is a CUDA card where there is one")
        EngineKind kind,

        @Setting(
                help =
                        "arithmetic: bf16, float32 or float64 (nd4j); by default bf16 on a card, else float32. With nd4j, bf16 are"
                                + " products alone, by oneDNN")
        Optional<Precision> precision,

        @Setting(value = "0", help = "processor threads of a rank; 0: the cores of its executor")
        int threads) {
    private static final Logger LOG = LoggerFactory.getLogger(EngineSettings.class);

    public EngineSettings {
        boolean float64 = precision.equals(Optional.of(Precision.FLOAT64));
        if (precision.equals(Optional.of(Precision.BF16_PRODUCTS))) {
            throw new IllegalArgumentException(
                    "products in bf16 on a processor are kind nd4j with precision bf16, not a precision of their own");
        }
        if (kind == EngineKind.CUDA && float64) {
            throw new IllegalArgumentException(
                    "the engine cuda computes in bf16 or float32: choose one of them, or kind nd4j for float64");
        }
        if (threads < 0) {
            throw new IllegalArgumentException("threads " + threads + " must be 0 or more");
        }
    }

    /**
     * An engine.
     *
     * @throws ResourceException where the engine that is asked for does not run here
     */
    public Engine open(RankResources resources) {
        Choice choice = choose(resources);
        LOG.info("computing on {}: {}", choice.engine().description(), choice.reason());
        return choice.engine();
    }

    /** An engine, and why it is that one. */
    record Choice(Engine engine, String reason) {}

    Choice choose(RankResources resources) {
        int card = resources.card();
        int processors = threads == 0 ? Math.max(1, resources.cores()) : threads;
        return switch (kind) {
            case CUDA -> new Choice(cuda(card), "the engine cuda is asked for");
            case ND4J -> new Choice(processor(processors), "the engine nd4j is asked for");
            case AUTO -> best(processors, card);
        };
    }

    private Choice best(int processors, int card) {
        if (precision.equals(Optional.of(Precision.FLOAT64))) {
            return new Choice(processor(processors), "auto, and the engine cuda has no float64");
        }
        try {
            return new Choice(cuda(card), "auto, and there is a CUDA card");
        } catch (ResourceException e) {
            if (precision.equals(Optional.of(Precision.BF16))) {
                throw e;
            }
            try {
                return new Choice(processor(processors), "auto, and the engine cuda does not run, " + e.getMessage());
            } catch (ResourceException noProcessor) {
                throw new ResourceException(
                        "no engine runs here; cuda: " + e.getMessage() + "; nd4j: " + noProcessor.getMessage(),
                        noProcessor);
            }
        }
    }

    /** The arithmetic where a processor computes. */
    Precision processorPrecision() {
        Precision wanted = precision.orElse(Precision.FLOAT32);
        return switch (wanted) {
            case BF16, BF16_PRODUCTS -> Precision.BF16_PRODUCTS;
            case FLOAT32, FLOAT64 -> wanted;
        };
    }

    private Engine cuda(int card) {
        return CudaEngine.open(precision.orElse(Precision.BF16), card);
    }

    private Engine processor(int processors) {
        try {
            return new Nd4jEngine(processorPrecision(), processors);
        } catch (NoClassDefFoundError e) {
            throw new ResourceException(
                    "the engine nd4j is not part of this installation (" + e.getMessage()
                            + " is missing): choose engine.kind=cuda, or make the bundle with nd4j=true",
                    e);
        }
    }
}
