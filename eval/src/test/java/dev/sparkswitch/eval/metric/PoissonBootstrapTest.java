package dev.sparkswitch.eval.metric;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PoissonBootstrapTest {
    /** 1/e, 1/e, 1/(2e), 1/(6e) of all 32-bit numbers. */
    @Test
    void drawsArePoissonOfMeanOne() {
        int most = 6;
        long[] counts = new long[most];
        int steps = 1 << 20;
        for (int i = 0; i < steps; i++) {
            counts[Math.min(most - 1, PoissonBootstrap.poisson((long) i << 12))]++;
        }
        double[] expected = {0.36788, 0.36788, 0.18394, 0.06131, 0.01533, 0.00366};
        for (int times = 0; times < most; times++) {
            assertThat((double) counts[times] / steps).as("%d times", times).isCloseTo(expected[times], within(1e-5));
        }
        assertThat(PoissonBootstrap.poisson(0)).isZero();
        assertThat(PoissonBootstrap.poisson(0xFFFFFFFFL)).isBetween(11, 12);
    }

    /** Thirds have no finite binary form, so sums of floating-point numbers would depend on their order. */
    @Test
    void sumsDoNotDependOnTheirOrder() {
        SquadMetric metric = new SquadMetric();
        Bootstrap plan = new Bootstrap(3, 50, 0.9);
        PoissonBootstrap forwards = new PoissonBootstrap(metric, plan);
        PoissonBootstrap first = new PoissonBootstrap(metric, plan);
        PoissonBootstrap second = new PoissonBootstrap(metric, plan);
        int units = 300;
        for (int i = 0; i < units; i++) {
            forwards.add(0x9E3779B97F4A7C15L * i, statistics(metric, i));
            int back = units - 1 - i;
            (back % 3 == 0 ? first : second).add(0x9E3779B97F4A7C15L * back, statistics(metric, back));
        }
        second.merge(first.sums());
        assertThat(second.sums()).isEqualTo(forwards.sums());
        assertThat(second.intervals()).isEqualTo(forwards.intervals());
        assertThat(second.units()).isEqualTo(units);
    }

    private static double[] statistics(SquadMetric metric, int i) {
        double[] statistics = new double[metric.width()];
        String prediction = "x " + "y ".repeat(i % 5);
        metric.accumulate(List.of(new Answer("g", "", List.of("x z w"), Optional.of(prediction))), statistics);
        return statistics;
    }

    @Test
    void resamplesWithoutAUnitDoNotCount() {
        SquadMetric metric = new SquadMetric();
        PoissonBootstrap one = new PoissonBootstrap(metric, new Bootstrap(3, 50, 0.9));
        one.add(17, statistics(metric, 1));
        double[] scores = one.scores();
        for (int i = 0; i < scores.length; i++) {
            assertThat(one.intervals()[i].low()).isEqualTo(scores[i]);
            assertThat(one.intervals()[i].high()).isEqualTo(scores[i]);
        }
    }
}
