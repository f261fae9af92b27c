package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sums of {@link RoutingStatistics} of all sparse layers of a model, side by side in one tensor, so that a step reads and clears
 * them at once: each reading waits for the engine.
 */
final class RoutingTotals implements AutoCloseable {
    /** Where each layer's sums begin, and where the last one's end. */
    private final List<Integer> bounds = new ArrayList<>(List.of(0));

    private Tensor sums;

    /** Makes room for one more layer, of {@code experts} experts; returns its number. Not after {@link #clear}. */
    int layer(int experts) {
        bounds.add(bounds.get(bounds.size() - 1) + RoutingStatistics.size(experts));
        return bounds.size() - 2;
    }

    /** Sets all sums to 0; the first time gives them memory. Nothing where there are no layers. */
    void clear(Engine engine) {
        int size = bounds.get(bounds.size() - 1);
        if (size == 0) {
            return;
        }
        if (sums == null) {
            sums = engine.allocate(engine.precision().master(), size);
        }
        engine.fill(sums, 0);
    }

    /** Adds the statistics of a pass through a layer. */
    void add(Engine engine, int layer, Tensor statistics) {
        engine.copy(statistics, sums.slice(bounds.get(layer), bounds.get(layer + 1)), Write.ADD);
    }

    /** The sums of all layers; null where there are no layers. */
    Tensor sums() {
        return sums;
    }

    /** Cuts what {@link #sums} holds by layers. */
    List<double[]> byLayer(double[] values) {
        List<double[]> layers = new ArrayList<>();
        for (int layer = 0; layer + 1 < bounds.size(); layer++) {
            layers.add(Arrays.copyOfRange(values, bounds.get(layer), bounds.get(layer + 1)));
        }
        return layers;
    }

    @Override
    public void close() {
        if (sums != null) {
            sums.close();
        }
    }
}
