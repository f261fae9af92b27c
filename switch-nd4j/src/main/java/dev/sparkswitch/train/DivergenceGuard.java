package dev.sparkswitch.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;

/**
 * Compares each step with those before. It looks at numbers that are the same on every rank of every world, so that all
 * ranks stop at the same update: before it, or behind it where the gradients' norm is a by-product of updating. Either way the
 * run goes back to a checkpoint, which no step that was found wanting has reached; the window travels in checkpoints, so that a run that was taken up again decides alike.
 *
 * <p>A cross-entropy explodes that exceeds the window's mean by both {@link DivergenceConfig#explosion} and
 * {@value #DEVIATIONS} of its standard deviations: the former alone would stop runs on small, noisy batches.
 */
final class DivergenceGuard {
    private static final int DEVIATIONS = 6;
    private static final String SEPARATOR = " ";

    private final DivergenceConfig config;
    private final Deque<Double> window = new ArrayDeque<>();

    DivergenceGuard(DivergenceConfig config) {
        this.config = config;
    }

    /**
     * Takes a step's numbers.
     *
     * @throws DivergenceException where its update must not be made or, once made, not be kept; the window is then as before
     */
    void check(StepMetrics metrics) {
        if (!Double.isFinite(metrics.loss()) || !Double.isFinite(metrics.gradientNorm())) {
            throw DivergenceException.notFinite(
                    metrics.step(),
                    "loss " + metrics.loss() + " and gradient norm " + metrics.gradientNorm() + " at step "
                            + metrics.step());
        }
        if (config.explosion() == 0) {
            return;
        }
        if (window.size() == config.window()) {
            compare(metrics);
            window.removeFirst();
        }
        window.addLast(metrics.crossEntropy());
    }

    private void compare(StepMetrics metrics) {
        double sum = 0;
        for (double loss : window) {
            sum += loss;
        }
        double mean = sum / window.size();
        double squares = 0;
        for (double loss : window) {
            squares += (loss - mean) * (loss - mean);
        }
        double limit = mean + Math.max(config.explosion(), DEVIATIONS * Math.sqrt(squares / window.size()));
        if (metrics.crossEntropy() > limit) {
            throw DivergenceException.offCourse(
                    metrics.step(),
                    String.format(
                            Locale.ROOT,
                            "cross-entropy %.3f at step %d after a mean of %.3f over the %d steps before",
                            metrics.crossEntropy(),
                            metrics.step(),
                            mean,
                            window.size()));
        }
    }

    /** What {@link #restore} needs to go on alike. */
    String state() {
        StringBuilder text = new StringBuilder();
        for (double loss : window) {
            text.append(text.isEmpty() ? "" : SEPARATOR).append(loss);
        }
        return text.toString();
    }

    /** Takes up the window of a checkpoint; one of another length begins anew. */
    void restore(String state) {
        window.clear();
        if (!state.isEmpty()) {
            for (String loss : state.split(SEPARATOR)) {
                window.addLast(Double.parseDouble(loss));
            }
        }
        if (window.size() > config.window()) {
            window.clear();
        }
    }
}
