package dev.sparkswitch.eval.metric;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.util.Arrays;

/**
 * Percentile intervals by resampling units with replacement (Efron 1979; for system scores, Koehn 2004). The draws come
 * from the run's seed alone, so the same predictions give the same interval everywhere.
 *
 * @param seed the run's seed
 * @param resamples how many resamples are scored
 * @param level the share of resampled scores inside the interval, such as 0.95
 */
public record Bootstrap(long seed, int resamples, double level) {
    public Bootstrap {
        if (resamples < 2 || level <= 0 || level >= 1) {
            throw new IllegalArgumentException("a bootstrap needs at least 2 resamples and a level inside (0, 1), not "
                    + resamples + " and " + level);
        }
    }

    /** 1,000 resamples, 95%. */
    public static Bootstrap standard(long seed) {
        return new Bootstrap(seed, 1000, 0.95);
    }

    /** An interval and the standard deviation of the resampled scores. */
    public record Interval(double low, double high, double standardError) {}

    /**
     * Intervals of every score of {@code metric}.
     *
     * @param statistics [units][width], the statistics of each unit; at least one unit
     * @return [names]
     */
    public Interval[] intervals(Metric metric, double[][] statistics) {
        int names = metric.names().size();
        double[][] resampled = new double[names][resamples];
        for (int resample = 0; resample < resamples; resample++) {
            double[] scores = metric.scores(drawn(resample, metric, statistics));
            for (int name = 0; name < names; name++) {
                resampled[name][resample] = scores[name];
            }
        }
        Interval[] intervals = new Interval[names];
        for (int name = 0; name < names; name++) {
            intervals[name] = interval(resampled[name]);
        }
        return intervals;
    }

    /**
     * The units of one resample; for a {@link SumMetric} their sum alone.
     *
     * @return [units drawn][width]
     */
    double[][] drawn(int resample, Metric metric, double[][] statistics) {
        Philox random = RandomStream.BOOTSTRAP.at(seed, resample, 0);
        int[] words = new int[4];
        boolean sum = metric instanceof SumMetric;
        double[][] rows = sum ? new double[1][metric.width()] : new double[statistics.length][];
        for (int draw = 0; draw < statistics.length; draw++) {
            if ((draw & 3) == 0) {
                random.block(draw >>> 2, words);
            }
            double[] drawn = statistics[(int) ((words[draw & 3] & 0xFFFFFFFFL) * statistics.length >>> 32)];
            if (sum) {
                for (int i = 0; i < drawn.length; i++) {
                    rows[0][i] += drawn[i];
                }
            } else {
                rows[draw] = drawn;
            }
        }
        return rows;
    }

    /** The percentile interval of resampled scores, which are sorted by it. */
    Interval interval(double[] scores) {
        Arrays.sort(scores);
        double mean = Arrays.stream(scores).average().orElseThrow();
        double squares = 0;
        for (double score : scores) {
            squares += (score - mean) * (score - mean);
        }
        double tail = (1 - level) / 2;
        return new Interval(
                quantile(scores, tail), quantile(scores, 1 - tail), Math.sqrt(squares / (scores.length - 1)));
    }

    /** Linear interpolation between the neighbouring order statistics. */
    private static double quantile(double[] sorted, double share) {
        double position = share * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }
}
