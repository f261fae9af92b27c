package dev.sparkswitch.train;

import dev.sparkswitch.model.SwitchTransformer;
import java.util.SortedMap;
import java.util.function.UnaryOperator;

/** Scores that a model is judged by on its way, beside the held-out loss: those of tasks that it answers. */
public interface Validation {
    /**
     * What was measured.
     *
     * @param value what models are compared by, the higher the better
     * @param scores all scores by name, such as {@code squad/f1}
     */
    record Measurement(double value, SortedMap<String, Double> scores) {}

    /**
     * Judges the model as it stands. All ranks call it after the same step and get the same.
     *
     * @param sumOverRanks adds up what the ranks bring, element by element; every rank calls it equally often
     */
    Measurement measure(SwitchTransformer model, UnaryOperator<double[]> sumOverRanks);
}
