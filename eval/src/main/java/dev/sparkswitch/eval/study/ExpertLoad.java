package dev.sparkswitch.eval.study;

import dev.sparkswitch.eval.report.StepMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/**
 * How evenly the tokens of a variant's first run were spread over its experts.
 *
 * @param layers the sparse layers' names
 * @param shares by layer: what each expert was preferred by over the last quarter of the logged steps, of a fair share; the
 *     busiest first
 * @param course how it went, a point a logged step
 */
record ExpertLoad(List<String> layers, List<double[]> shares, List<Moment> course) {
    private static final int PARTS = 4;

    /**
     * A step.
     *
     * @param step the optimizer's step
     * @param busiest the busiest expert's share of the tokens, of a fair one; mean over the layers
     * @param dropped the share of routed tokens beyond their expert's capacity
     * @param confidence mean probability of the expert that a token prefers, over the layers
     */
    record Moment(long step, double busiest, double dropped, double confidence) {}

    static ExpertLoad of(StudyVariant variant) {
        List<StepMetrics> steps = variant.runs().isEmpty()
                ? List.of()
                : variant.runs().get(0).log().steps();
        steps = steps.stream().filter(step -> !step.layers().isEmpty()).toList();
        List<Moment> course = new ArrayList<>();
        for (StepMetrics step : steps) {
            course.add(moment(step));
        }
        TreeMap<String, double[]> sums = new TreeMap<>();
        List<String> layers = new ArrayList<>();
        List<StepMetrics> late = steps.subList(steps.size() - (steps.size() + PARTS - 1) / PARTS, steps.size());
        for (StepMetrics step : late) {
            for (StepMetrics.Layer layer : step.layers()) {
                int experts = layer.load().size();
                if (!sums.containsKey(layer.name())) {
                    layers.add(layer.name());
                    sums.put(layer.name(), new double[experts]);
                }
                double[] sum = sums.get(layer.name());
                for (int expert = 0; expert < experts; expert++) {
                    sum[expert] += layer.load().get(expert) * experts / late.size();
                }
            }
        }
        List<double[]> shares = new ArrayList<>();
        for (String layer : layers) {
            double[] falling = sums.get(layer).clone();
            Arrays.sort(falling);
            for (int i = 0; i < falling.length / 2; i++) {
                double other = falling[falling.length - 1 - i];
                falling[falling.length - 1 - i] = falling[i];
                falling[i] = other;
            }
            shares.add(falling);
        }
        return new ExpertLoad(layers, shares, course);
    }

    private static Moment moment(StepMetrics step) {
        double busiest = 0;
        double confidence = 0;
        for (StepMetrics.Layer layer : step.layers()) {
            double most =
                    layer.load().stream().mapToDouble(Double::doubleValue).max().orElse(0);
            busiest += most * layer.load().size() / step.layers().size();
            confidence += layer.confidence() / step.layers().size();
        }
        return new Moment(step.step(), busiest, step.droppedFraction(), confidence);
    }

    boolean isEmpty() {
        return course.isEmpty();
    }

    /** The busiest expert's share at the end, of a fair one, in the layer where it is largest; NaN without experts. */
    double most() {
        return shares.stream().mapToDouble(layer -> layer[0]).max().orElse(Double.NaN);
    }

    /** The least busy expert's share at the end, in the layer where it is smallest. */
    double least() {
        return shares.stream()
                .mapToDouble(layer -> layer[layer.length - 1])
                .min()
                .orElse(Double.NaN);
    }

    /** The mean share of dropped tokens over all logged steps. */
    double dropped() {
        return course.stream()
                .mapToDouble(Moment::dropped)
                .filter(Double::isFinite)
                .average()
                .orElse(Double.NaN);
    }
}
