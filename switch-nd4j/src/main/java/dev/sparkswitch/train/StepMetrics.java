package dev.sparkswitch.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * What one step was like, over all ranks.
 *
 * @param step the step, from 1
 * @param crossEntropy mean cross-entropy of its targets, nats
 * @param balanceLoss sum over sparse layers of the mean over groups of E * sum_i f_i P_i, weighted
 * @param zLoss the router's z-loss, weighted
 * @param learningRate of the step
 * @param gradientNorm the norm of all gradients together
 * @param tokens input and target tokens of the step, without padding
 * @param seconds the step took, evaluation and checkpoints apart
 * @param elapsed seconds since this attempt began
 * @param trained seconds of this step and all before it, over all attempts that led here
 * @param layers the routers
 * @param heldOut the held-out loss, where it was taken after this step
 * @param scores of tasks by name, where they were taken after this step
 */
public record StepMetrics(
        long step,
        double crossEntropy,
        double balanceLoss,
        double zLoss,
        double learningRate,
        double gradientNorm,
        long tokens,
        double seconds,
        double elapsed,
        double trained,
        List<RouterMetrics> layers,
        Optional<HeldOutLoss> heldOut,
        SortedMap<String, Double> scores) {

    /**
     * The loss on held-out rows, nats.
     *
     * @param all over all target tokens
     * @param text over targets that are text, not sentinels or ends; equal to {@code all} where nothing tells text apart
     * @param targetTokens the target tokens that were scored
     */
    public record HeldOutLoss(double all, double text, long targetTokens) {}

    /** The same step with the time that it took, and that since the attempt began, in seconds. */
    StepMetrics timed(double took, double since) {
        return new StepMetrics(
                step,
                crossEntropy,
                balanceLoss,
                zLoss,
                learningRate,
                gradientNorm,
                tokens,
                took,
                since,
                took,
                layers,
                heldOut,
                scores);
    }

    /** The same step with what was measured after it. */
    StepMetrics evaluated(Optional<HeldOutLoss> loss, SortedMap<String, Double> found) {
        return new StepMetrics(
                step,
                crossEntropy,
                balanceLoss,
                zLoss,
                learningRate,
                gradientNorm,
                tokens,
                seconds,
                elapsed,
                trained,
                layers,
                loss,
                found);
    }

    /** The same step as one that ends {@code all} seconds of training. */
    StepMetrics trainedFor(double all) {
        return new StepMetrics(
                step,
                crossEntropy,
                balanceLoss,
                zLoss,
                learningRate,
                gradientNorm,
                tokens,
                seconds,
                elapsed,
                all,
                layers,
                heldOut,
                scores);
    }

    /** The whole training loss. */
    public double loss() {
        return crossEntropy + balanceLoss + zLoss;
    }

    /** The mean over the layers of the fraction of dropped choices; 0 for a dense model. */
    public double droppedFraction() {
        double sum = 0;
        for (RouterMetrics layer : layers) {
            sum += layer.dropped();
        }
        return layers.isEmpty() ? 0 : sum / layers.size();
    }

    /** A line of {@code metrics.jsonl}. */
    public ObjectNode toJson() {
        ObjectNode tree = JsonNodeFactory.instance.objectNode();
        tree.put("step", step);
        tree.put("loss", loss());
        tree.put("cross-entropy", crossEntropy);
        tree.put("balance-loss", balanceLoss);
        tree.put("z-loss", zLoss);
        tree.put("learning-rate", learningRate);
        tree.put("gradient-norm", gradientNorm);
        tree.put("tokens", tokens);
        tree.put("tokens-per-second", tokens / Math.max(seconds, 1e-9));
        tree.put("seconds", seconds);
        tree.put("elapsed", elapsed);
        tree.put("trained", trained);
        tree.put("dropped-fraction", droppedFraction());
        heldOut.ifPresent(heldOutLoss -> {
            tree.put("heldout-loss", heldOutLoss.all());
            tree.put("heldout-text-loss", heldOutLoss.text());
        });
        if (!scores.isEmpty()) {
            ObjectNode named = tree.putObject("scores");
            scores.forEach(named::put);
        }
        ArrayNode all = tree.putArray("layers");
        for (RouterMetrics layer : layers) {
            all.add(layer.toJson());
        }
        return tree;
    }
}
