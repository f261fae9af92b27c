package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.util.Arrays;

/**
 * The best that this machine does through an engine: what everything else is compared with.
 *
 * @param flopsPerSecond of a large matrix product
 * @param size the side of that product's square matrices
 * @param bytesPerSecond read and written by a large copy
 */
public record Ceilings(double flopsPerSecond, int size, double bytesPerSecond) {
    private static final int SMALLEST = 1024;
    private static final int LARGEST = 8192;
    /** A product that takes this long is large enough. */
    private static final double LARGE_SECONDS = 0.05;

    private static final double SECONDS = 0.6;
    private static final int REPEATS = 5;
    private static final int COPIED_FLOATS = 64 << 20;

    /** Measures on an engine that does nothing else meanwhile; takes about three seconds. */
    static Ceilings measure(Engine engine) {
        int size = SMALLEST;
        double seconds = Math.min(product(engine, size, 1), product(engine, size, 1));
        while (seconds < LARGE_SECONDS && size < LARGEST) {
            size *= 2;
            seconds = product(engine, size, 1);
        }
        int count = Math.max(2, (int) (SECONDS / REPEATS / seconds));
        for (int i = 0; i < REPEATS; i++) {
            seconds = Math.min(seconds, product(engine, size, count));
        }
        double flops = 2.0 * size * size * size;
        return new Ceilings(flops / seconds, size, copied(engine));
    }

    private static double product(Engine engine, int size, int count) {
        // Random numbers: zeros would cost a card less power, and so less time.
        try (Tensor x = RandomTensors.uniform(engine, engine.precision().compute(), 1, size, size);
                Tensor w = RandomTensors.parameter(engine, 1, size, size)) {
            engine.linear(x, w).close();
            try (Moment start = engine.moment()) {
                for (int i = 0; i < count; i++) {
                    engine.linear(x, w).close();
                }
                return since(engine, start) / count;
            }
        }
    }

    private static double copied(Engine engine) {
        int length = COPIED_FLOATS;
        try (Tensor source = RandomTensors.uniform(engine, engine.precision().master(), 1, length);
                Tensor target = engine.allocate(source.type(), length)) {
            engine.copy(source, target, Write.SET);
            double seconds = Double.POSITIVE_INFINITY;
            for (int i = 0; i < REPEATS; i++) {
                try (Moment start = engine.moment()) {
                    engine.copy(source, target, Write.SET);
                    seconds = Math.min(seconds, since(engine, start));
                }
            }
            return 2.0 * length * source.type().bytes() / seconds;
        }
    }

    static double since(Engine engine, Moment start) {
        try (Moment end = engine.moment()) {
            return end.secondsSince(start);
        }
    }

    /** The middle of some numbers, or the mean of the two in the middle. */
    static double median(double[] numbers) {
        double[] sorted = numbers.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
