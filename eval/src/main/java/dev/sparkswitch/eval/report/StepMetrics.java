package dev.sparkswitch.eval.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One step of training as a line of {@code metrics.jsonl} has it. Numbers that the line lacks are NaN; the held-out ones
 * are there on evaluation steps alone.
 *
 * @param step the optimizer's step, from 1
 * @param loss the whole training loss, in nats a target token
 * @param crossEntropy its cross-entropy part
 * @param balanceLoss its load-balance part, weighted
 * @param zLoss its router z-loss part, weighted
 * @param learningRate the optimizer's rate at this step
 * @param gradientNorm the global gradient norm
 * @param tokensPerSecond input and target tokens a second over all ranks
 * @param seconds wall-clock seconds of the step
 * @param trained seconds of all steps up to this one, evaluation and checkpoints apart
 * @param droppedFraction share of routed tokens beyond their expert's capacity, over all sparse layers
 * @param heldOutLoss cross-entropy on the held-out split, in nats a target token
 * @param heldOutTextLoss the same over text tokens alone, sentinels and end marks left out
 * @param elapsed seconds since the attempt began, evaluation and checkpoints among them
 * @param layers the sparse layers
 * @param scores of tasks by name, on evaluation steps of runs that answer validation examples
 */
public record StepMetrics(
        long step,
        double loss,
        double crossEntropy,
        double balanceLoss,
        double zLoss,
        double learningRate,
        double gradientNorm,
        double tokensPerSecond,
        double seconds,
        double trained,
        double droppedFraction,
        double heldOutLoss,
        double heldOutTextLoss,
        double elapsed,
        List<Layer> layers,
        SortedMap<String, Double> scores) {
    /**
     * The routing of one sparse layer at one step.
     *
     * @param name the layer, such as {@code encoder 1}
     * @param load share of the routed tokens that prefer each expert, before capacity; sums to 1
     * @param dropped share of choices beyond their expert's capacity; where experts choose, of tokens that none took
     * @param entropy entropy of the routing distribution, in nats
     * @param confidence mean probability of the most probable expert
     * @param expertsPerToken experts that worked on a routed token, on average
     * @param experts the same by expert; empty lists where the line has none
     */
    public record Layer(
            String name,
            List<Double> load,
            double dropped,
            double entropy,
            double confidence,
            double expertsPerToken,
            Experts experts) {
        public Layer {
            load = List.copyOf(load);
        }
    }

    /**
     * What each expert of a layer did, in lists of one length.
     *
     * @param taken the tokens that it worked on, over the routed tokens
     * @param dropped the share of the choices of it that found no slot
     * @param entropy over the tokens that prefer it, in nats
     * @param confidence over the tokens that prefer it
     */
    public record Experts(List<Double> taken, List<Double> dropped, List<Double> entropy, List<Double> confidence) {
        public Experts {
            taken = List.copyOf(taken);
            dropped = List.copyOf(dropped);
            entropy = List.copyOf(entropy);
            confidence = List.copyOf(confidence);
        }
    }

    public StepMetrics {
        layers = List.copyOf(layers);
    }

    static StepMetrics of(JsonNode line) {
        List<Layer> layers = new ArrayList<>();
        for (JsonNode layer : line.path("layers")) {
            JsonNode experts = layer.path("experts");
            layers.add(new Layer(
                    layer.path("name").asText(),
                    numbers(layer.path("load")),
                    number(layer, "dropped"),
                    number(layer, "entropy"),
                    number(layer, "confidence"),
                    number(layer, "experts-per-token"),
                    new Experts(
                            numbers(experts.path("taken")),
                            numbers(experts.path("dropped")),
                            numbers(experts.path("entropy")),
                            numbers(experts.path("confidence")))));
        }
        SortedMap<String, Double> scores = new TreeMap<>();
        line.path("scores")
                .fields()
                .forEachRemaining(
                        score -> scores.put(score.getKey(), score.getValue().asDouble()));
        return new StepMetrics(
                line.path("step").asLong(),
                number(line, "loss"),
                number(line, "cross-entropy"),
                number(line, "balance-loss"),
                number(line, "z-loss"),
                number(line, "learning-rate"),
                number(line, "gradient-norm"),
                number(line, "tokens-per-second"),
                number(line, "seconds"),
                number(line, "trained"),
                number(line, "dropped-fraction"),
                number(line, "heldout-loss"),
                number(line, "heldout-text-loss"),
                number(line, "elapsed"),
                layers,
                scores);
    }

    private static List<Double> numbers(JsonNode array) {
        List<Double> numbers = new ArrayList<>();
        array.forEach(number -> numbers.add(number.asDouble(Double.NaN)));
        return numbers;
    }

    private static double number(JsonNode node, String key) {
        return node.path(key).asDouble(Double.NaN);
    }
}
