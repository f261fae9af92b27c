package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DistillationSettings;

/** Loops of {@link dev.sparkswitch.engine.Engine#distillationGradient}. */
interface DistillationKernels {
    /** Turns the rows of a teacher's logits [n, V] into its distributions at a temperature. */
    void soften(HostTensor logits, double temperature);

    /** Spreads probabilities [T, k], from row {@code first} on, over the rows of {@code spread} [n, V]. */
    void spread(HostTensor ids, HostTensor probabilities, int first, HostTensor spread);

    /**
     * Losses of the rows of {@code logits} [n, V], which become {@code weight} times the gradient of the losses' sum.
     *
     * @param soft the teacher's distributions [n, V]
     * @param targets from {@code first} on, as {@code losses}
     */
    void lossGradient(
            HostTensor logits,
            HostTensor soft,
            HostTensor targets,
            int first,
            DistillationSettings settings,
            double weight,
            HostTensor losses);
}
