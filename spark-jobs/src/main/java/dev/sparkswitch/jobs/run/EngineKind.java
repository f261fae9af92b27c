package dev.sparkswitch.jobs.run;

/** The engines that a job can name. */
public enum EngineKind {
    /** The fastest that runs here: a CUDA card from Ampere on, otherwise ND4J on the processor. */
    AUTO,
    /** A CUDA card, in bf16 or float32. */
    CUDA,
    /** ND4J on the processor, in float32 or float64. */
    ND4J
}
