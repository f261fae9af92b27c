package dev.sparkswitch.eval.metric;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Compares two systems on the same examples. The interval of the difference comes from the paired bootstrap (Koehn,
 * "Statistical significance tests for machine translation evaluation", 2004), the probability that it is chance from
 * approximate randomisation (Noreen 1989; Riezler and Maxwell 2005): the systems' answers to each unit change places by the
 * toss of a coin, and it counts how often the difference gets as large as the real one.
 */
public final class PairedTest {
    // Sums in another order differ in their last bits, which is no larger difference.
    private static final double ROUNDING = 1e-9;

    private final Bootstrap bootstrap;

    /** A test with the bootstrap's seed, level and as many coin tosses as it has resamples. */
    public PairedTest(Bootstrap bootstrap) {
        this.bootstrap = bootstrap;
    }

    /**
     * What came out for one score.
     *
     * @param baseline the first system's score
     * @param system the second's
     * @param low lower end of the interval of {@link #difference}
     * @param high its upper end
     * @param chance the probability of a difference as large as this one between systems that are equally good
     */
    public record Comparison(String name, double baseline, double system, double low, double high, double chance) {
        /** The second system's score less the first's. */
        public double difference() {
            return system - baseline;
        }
    }

    /**
     * Compares answers to the same examples.
     *
     * @param baseline the first system's answers
     * @param system the second's, in any order of groups
     * @return one comparison a score, in the metric's order
     * @throws IllegalArgumentException if the groups are not the same
     */
    public List<Comparison> compare(Metric metric, List<Answer> baseline, List<Answer> system) {
        Map<String, List<Answer>> left = Scores.units(baseline);
        Map<String, List<Answer>> right = Scores.units(system);
        if (!left.keySet().equals(right.keySet())) {
            throw new IllegalArgumentException("the systems answered other examples: " + left.size() + " groups and "
                    + right.size() + " do not match");
        }
        List<List<Answer>> ordered = left.keySet().stream().map(right::get).toList();
        return compare(metric, Scores.statistics(metric, left.values()), Scores.statistics(metric, ordered));
    }

    /**
     * Compares statistics of the same units.
     *
     * @param baseline [units][width]
     * @param system [units][width]
     */
    List<Comparison> compare(Metric metric, double[][] baseline, double[][] system) {
        double[] left = metric.scores(baseline);
        double[] right = metric.scores(system);
        int names = left.length;
        double[][] differences = new double[names][bootstrap.resamples()];
        int[] asLarge = new int[names];
        for (int resample = 0; resample < bootstrap.resamples(); resample++) {
            double[] a = metric.scores(bootstrap.drawn(resample, metric, baseline));
            double[] b = metric.scores(bootstrap.drawn(resample, metric, system));
            double[] swapped = swapped(resample, metric, baseline, system);
            for (int name = 0; name < names; name++) {
                differences[name][resample] = b[name] - a[name];
                asLarge[name] += Math.abs(swapped[name]) >= Math.abs(right[name] - left[name]) - ROUNDING ? 1 : 0;
            }
        }
        List<Comparison> comparisons = new ArrayList<>();
        for (int name = 0; name < names; name++) {
            Bootstrap.Interval interval = bootstrap.interval(differences[name]);
            comparisons.add(new Comparison(
                    metric.names().get(name),
                    left[name],
                    right[name],
                    interval.low(),
                    interval.high(),
                    (asLarge[name] + 1.0) / (bootstrap.resamples() + 1)));
        }
        return comparisons;
    }

    /** The differences of the scores once units have changed places. */
    private double[] swapped(int trial, Metric metric, double[][] baseline, double[][] system) {
        Philox coin = RandomStream.BOOTSTRAP.at(bootstrap.seed(), trial, 1);
        double[][] left = new double[baseline.length][];
        double[][] right = new double[baseline.length][];
        for (int unit = 0; unit < baseline.length; unit++) {
            boolean change = coin.bits(unit) < 0;
            left[unit] = change ? system[unit] : baseline[unit];
            right[unit] = change ? baseline[unit] : system[unit];
        }
        double[] differences = metric.scores(right);
        double[] others = metric.scores(left);
        for (int i = 0; i < differences.length; i++) {
            differences[i] -= others[i];
        }
        return differences;
    }
}
