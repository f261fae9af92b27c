package dev.sparkswitch.model;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Reading;
import dev.sparkswitch.engine.RoutingStatistics;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sums of {@link RoutingStatistics} of all sparse layers of a model, side by side in one tensor, so that they are read at once. */
final class RoutingTotals implements AutoCloseable {
    /** Where each layer's sums begin, and where the last one's end. */
    private final List<Integer> bounds = new ArrayList<>(List.of(0));

    /** What has left the tensor since the last {@link #take}. */
    private final List<Reading> readings = new ArrayList<>();

    private Tensor sums;
    /** Whether something was added since the tensor was cleared. */
    private boolean filled;

    /** Makes room for one more layer, of {@code experts} experts; returns its number. Not after {@link #clear}. */
    int layer(int experts) {
        bounds.add(bounds.get(bounds.size() - 1) + RoutingStatistics.size(experts));
        return bounds.size() - 2;
    }

    private int size() {
        return bounds.get(bounds.size() - 1);
    }

    /** Sets all sums to 0; the first time gives them memory. Nothing where there are no layers. */
    void clear(Engine engine) {
        if (size() == 0) {
            return;
        }
        if (sums == null) {
            sums = engine.allocate(engine.precision().master(), size());
        }
        engine.fill(sums, 0);
        filled = false;
    }

    /** Adds the statistics of a pass through a layer. */
    void add(Engine engine, int layer, Tensor statistics) {
        engine.copy(statistics, sums.slice(bounds.get(layer), bounds.get(layer + 1)), Write.ADD);
        filled = true;
    }

    /** Sends what was added on its way to the host, for {@link #take}. */
    void read(Engine engine) {
        if (filled) {
            readings.add(engine.read(sums));
            clear(engine);
        }
    }

    /** All that was added since the last call, a vector a layer; waits for it. */
    List<double[]> take(Engine engine) {
        read(engine);
        double[] values = new double[size()];
        for (Reading reading : readings) {
            double[] some = reading.values();
            Arrays.setAll(values, i -> values[i] + some[i]);
        }
        readings.clear();
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
