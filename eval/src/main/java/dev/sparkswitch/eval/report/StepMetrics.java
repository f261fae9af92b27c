package dev.sparkswitch.eval.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

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
 * @param droppedFraction share of routed tokens beyond their expert's capacity, over all sparse layers
 * @param heldOutLoss cross-entropy on the held-out split, in nats a target token
 * @param heldOutTextLoss the same over text tokens alone, sentinels and end marks left out
 * @param layers the sparse layers
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
        double droppedFraction,
        double heldOutLoss,
        double heldOutTextLoss,
        List<Layer> layers) {
    /**
     * The routing of one sparse layer at one step.
     *
     * @param name the layer, such as {@code encoder 1}
     * @param load share of the routed tokens by expert, before capacity; sums to 1
     * @param dropped share of routed tokens beyond their expert's capacity
     * @param entropy entropy of the routing distribution, in nats
     * @param confidence mean probability of the chosen expert
     */
    public record Layer(String name, List<Double> load, double dropped, double entropy, double confidence) {
        public Layer {
            load = List.copyOf(load);
        }
    }

    public StepMetrics {
        layers = List.copyOf(layers);
    }

    static StepMetrics of(JsonNode line) {
        List<Layer> layers = new ArrayList<>();
        for (JsonNode layer : line.path("layers")) {
            List<Double> load = new ArrayList<>();
            layer.path("load").forEach(share -> load.add(share.asDouble(Double.NaN)));
            layers.add(new Layer(
                    layer.path("name").asText(),
                    load,
                    number(layer, "dropped"),
                    number(layer, "entropy"),
                    number(layer, "confidence")));
        }
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
                number(line, "dropped-fraction"),
                number(line, "heldout-loss"),
                number(line, "heldout-text-loss"),
                layers);
    }

    private static double number(JsonNode node, String key) {
        return node.path(key).asDouble(Double.NaN);
    }
}
