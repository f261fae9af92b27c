package dev.sparkswitch.eval.metric;

/**
 * A metric of which the sum of the units' statistics is enough. Adding up in any order and on any machine, and calling
 * {@link #scores(double[])} once, gives the score of the whole.
 */
public interface SumMetric extends Metric {
    /**
     * The scores of summed statistics, from 0 to 100.
     *
     * @param sums [width], left as it is
     * @return [names]
     */
    double[] scores(double[] sums);

    @Override
    default double[] scores(double[][] units) {
        double[] sums = new double[width()];
        for (double[] unit : units) {
            for (int i = 0; i < sums.length; i++) {
                sums[i] += unit[i];
            }
        }
        return scores(sums);
    }
}
