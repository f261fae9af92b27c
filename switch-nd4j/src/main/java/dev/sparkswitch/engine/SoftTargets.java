package dev.sparkswitch.engine;

/** What a teacher says of each target position: a distribution over the vocabulary. */
public sealed interface SoftTargets {
    /**
     * The teacher's own words, {@code softmax(logitScale * hidden w^T / temperature)}: the logits are taken piece by piece,
     * as the student's are.
     *
     * @param hidden the teacher's decoder output [T, its d_model]
     * @param w the teacher's output head [V, its d_model], master type
     * @param logitScale the factor of the teacher's logits
     */
    record OfTeacher(Tensor hidden, Tensor w, double logitScale) implements SoftTargets {}

    /**
     * The likeliest tokens alone; all others have probability 0.
     *
     * @param ids [T, k], int32; ids of one position differ
     * @param probabilities [T, k], master type, tempered already; they add up to 1, or to 0 where nothing is said
     */
    record TopK(Tensor ids, Tensor probabilities) implements SoftTargets {}
}
