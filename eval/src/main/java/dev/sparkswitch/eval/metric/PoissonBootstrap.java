package dev.sparkswitch.eval.metric;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.util.Arrays;

/**
 * Intervals over units that nobody holds together: in each resample a unit counts as often as a draw from a Poisson
 * distribution of mean 1 says, which is what drawing with replacement comes to where units are many (Chamandy et al. 2012,
 * Estimating uncertainty for massive data streams). The draws depend on the seed and the unit's own key alone and the sums
 * are exact, so the parts may be cut and added in any way: score and interval are the same to the last bit. Not safe for use
 * by several threads.
 */
public final class PoissonBootstrap {
    private static final int FRACTION_BITS = 52;
    private static final long FRACTION = (1L << FRACTION_BITS) - 1;
    /** Below these 32-bit numbers lie 0, 1, 2, ... occurrences. */
    private static final long[] THRESHOLDS = thresholds();

    private final SumMetric metric;
    private final Bootstrap plan;
    private final int width;
    private final Philox[] draws;
    private final int[] words = new int[4];
    /** Whole parts and fractions of the sums: first of all units once, then of each resample; the last sum counts units. */
    private final long[] sums;

    /** Intervals of {@code metric}, which have seen nothing; {@code plan} says how many resamples. */
    public PoissonBootstrap(SumMetric metric, Bootstrap plan) {
        this.metric = metric;
        this.plan = plan;
        this.width = metric.width() + 1;
        this.sums = new long[2 * width * (plan.resamples() + 1)];
        this.draws = new Philox[(plan.resamples() + 3) / 4];
        for (int i = 0; i < draws.length; i++) {
            // Layer 0 is that of draws with replacement.
            draws[i] = RandomStream.BOOTSTRAP.at(plan.seed(), i, 1);
        }
    }

    /**
     * Takes a unit.
     *
     * @param key what tells it from others, evenly spread over 64 bits
     * @param statistics [width of the metric], finite
     */
    public void add(long key, double[] statistics) {
        long[] unit = new long[2 * width];
        for (int i = 0; i < width; i++) {
            double value = i < width - 1 ? statistics[i] : 1;
            double whole = Math.floor(value);
            unit[2 * i] = (long) whole;
            unit[2 * i + 1] = (long) ((value - whole) * (1L << FRACTION_BITS));
        }
        add(0, 1, unit);
        for (int resample = 0; resample < plan.resamples(); resample++) {
            if ((resample & 3) == 0) {
                draws[resample >>> 2].block(key, words);
            }
            int times = poisson(words[resample & 3] & 0xFFFFFFFFL);
            if (times > 0) {
                add(resample + 1, times, unit);
            }
        }
    }

    private void add(int row, int times, long[] unit) {
        int at = 2 * width * row;
        for (int i = 0; i < unit.length; i += 2) {
            long fraction = sums[at + i + 1] + times * unit[i + 1];
            sums[at + i] += times * unit[i] + (fraction >>> FRACTION_BITS);
            sums[at + i + 1] = fraction & FRACTION;
        }
    }

    /** Takes what others of the same metric and plan have seen: their {@link #sums}. */
    public void merge(long[] other) {
        merge(other, sums);
    }

    /** Adds {@link #sums} to others of the same metric and plan. */
    public static void merge(long[] sums, long[] into) {
        for (int i = 0; i < into.length; i += 2) {
            long fraction = into[i + 1] + sums[i + 1];
            into[i] += sums[i] + (fraction >>> FRACTION_BITS);
            into[i + 1] = fraction & FRACTION;
        }
    }

    /** All that is known, in numbers that travel. */
    public long[] sums() {
        return sums.clone();
    }

    /** The units seen. */
    public long units() {
        return sums[2 * width - 2];
    }

    /** The scores of all units, by the metric's names. */
    public double[] scores() {
        return metric.scores(row(0));
    }

    /**
     * The intervals of the scores; a resample in which no unit occurs does not count.
     *
     * @return [names]
     */
    public Bootstrap.Interval[] intervals() {
        int names = metric.names().size();
        double[][] resampled = new double[names][plan.resamples()];
        int count = 0;
        for (int resample = 1; resample <= plan.resamples(); resample++) {
            if (sums[2 * width * (resample + 1) - 2] > 0) {
                double[] scores = metric.scores(row(resample));
                for (int name = 0; name < names; name++) {
                    resampled[name][count] = scores[name];
                }
                count++;
            }
        }
        Bootstrap.Interval[] intervals = new Bootstrap.Interval[names];
        for (int name = 0; name < names; name++) {
            intervals[name] = plan.interval(Arrays.copyOf(resampled[name], count));
        }
        return intervals;
    }

    private double[] row(int resample) {
        double[] values = new double[width - 1];
        int at = 2 * width * resample;
        for (int i = 0; i < values.length; i++) {
            values[i] = sums[at + 2 * i] + sums[at + 2 * i + 1] * 0x1p-52;
        }
        return values;
    }

    /** How often a unit occurs, by a 32-bit number. */
    static int poisson(long number) {
        int times = 0;
        while (times < THRESHOLDS.length && number >= THRESHOLDS[times]) {
            times++;
        }
        return times;
    }

    private static long[] thresholds() {
        long[] thresholds = new long[12];
        double probability = Math.exp(-1);
        double below = 0;
        for (int times = 0; times < thresholds.length; times++) {
            below += probability;
            thresholds[times] = Math.round(below * 0x1p32);
            probability /= times + 1;
        }
        return thresholds;
    }
}
