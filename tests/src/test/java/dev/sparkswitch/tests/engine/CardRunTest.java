package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.train.StepMetrics;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A training run in bf16 on two cards beside the same on one, dropout on: a long one on cards, a few steps elsewhere. */
class CardRunTest {
    private static final int LONG = 300;
    private static final int WINDOW = 10;
    private static final int SHORT = 3;

    static Stream<EngineCase> narrowEngines() {
        return CardRanks.engines()
                .filter(engines -> engines.precision() == Precision.BF16)
                .filter(engines -> CardRanks.isCard(engines) || engines.name().startsWith("linked"));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("narrowEngines")
    void twoCardsTrainAsOneDoesInBf16(EngineCase engines) throws Exception {
        int steps = CardRanks.isCard(engines) ? LONG : SHORT;
        List<StepMetrics> one = run(engines, 1, steps);
        List<StepMetrics> two = run(engines, 2, steps);

        double norm = one.get(0).gradientNorm();
        assertThat(two.get(0).gradientNorm()).isCloseTo(norm, within(2e-2 * norm));
        for (int from = 0; from < steps; from += WINDOW) {
            int to = Math.min(steps, from + WINDOW);
            double wanted = loss(one, from, to);
            assertThat(loss(two, from, to)).as("steps %d to %d", from + 1, to).isCloseTo(wanted, within(0.01 * wanted));
        }
        assertThat(one.get(steps - 1).loss())
                .as("the last loss")
                .isLessThan(one.get(0).loss());
    }

    private static List<StepMetrics> run(EngineCase engines, int ranks, int steps) throws Exception {
        return new CardRanks(engines, ranks, CardRanks.Size.of(engines), Duration.ofMinutes(5)).train(steps);
    }

    private static double loss(List<StepMetrics> steps, int from, int to) {
        return steps.subList(from, to).stream()
                .mapToDouble(StepMetrics::loss)
                .average()
                .orElseThrow();
    }
}
