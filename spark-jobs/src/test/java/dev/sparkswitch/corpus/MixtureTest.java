package dev.sparkswitch.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.corpus.Mixture.Source;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class MixtureTest {
    /** 100, 400 and 10,000 examples. */
    private static final List<Source> SOURCES =
            List.of(new Source("small", 100), new Source("middle", 400), new Source("large", 10_000));

    private static double[] rates(String yaml) {
        return mixture(yaml).rates(SOURCES);
    }

    private record Holder(Mixture mixture) {}

    private static Mixture mixture(String yaml) {
        String text = "mixture: " + yaml;
        return Configs.load(
                        Holder.class,
                        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)),
                        "the test",
                        List.of())
                .mixture();
    }

    private static void assertRates(double[] rates, double... expected) {
        assertThat(rates).hasSameSizeAs(expected);
        for (int i = 0; i < rates.length; i++) {
            assertThat(rates[i]).isCloseTo(expected[i], within(1e-12));
        }
    }

    @Test
    void sourcesCountByTheirExamplesUnlessSaidOtherwise() {
        assertThat(mixture("{}")).isEqualTo(Mixture.PROPORTIONAL);
        assertRates(rates("{}"), 100.0 / 10_500, 400.0 / 10_500, 10_000.0 / 10_500);
    }

    @Test
    void aTemperatureOfTwoTakesSquareRoots() {
        // 10, 20 and 100 of 130.
        assertRates(rates("{temperature: 2}"), 10 / 130.0, 20 / 130.0, 100 / 130.0);
    }

    @Test
    void aMaximumCapsTheLarge() {
        assertRates(rates("{maximum: 500}"), 0.1, 0.4, 0.5);
    }

    @Test
    void scaleComesBeforeTheMaximumAndTheMaximumBeforeTheTemperature() {
        // min(n / 4, 100) is 25, 100 and 100; square roots are 5, 10 and 10.
        assertRates(rates("{scale: 0.25, maximum: 100, temperature: 2}"), 0.2, 0.4, 0.4);
    }

    @Test
    void explicitRatesAreTakenAsTheyAre() {
        assertRates(rates("{rates: explicit, weights: {large: 1, small: 2, middle: 5}}"), 0.25, 0.625, 0.125);
    }

    @Test
    void superGlueIsWeightedAsT5DoesIt() {
        List<Source> tasks = new ArrayList<>();
        for (String name : List.of("boolq", "cb", "copa", "multirc", "record", "rte", "wic", "wsc")) {
            tasks.add(new Source(name, 7));
        }
        double[] rates = mixture("t5-superglue").rates(tasks);
        // The weights add up to 184,351.
        assertRates(
                rates,
                9_427 / 184_351.0,
                250 / 184_351.0,
                400 / 184_351.0,
                27_243 / 184_351.0,
                138_854 / 184_351.0,
                2_490 / 184_351.0,
                5_428 / 184_351.0,
                259 / 184_351.0);
    }

    @Test
    void quotasAddUpAndLargestRemaindersWin() {
        Mixture thirds = new Mixture.Explicit(Map.of("small", 1.0, "middle", 1.0, "large", 1.0));
        assertThat(thirds.quotas(SOURCES, 8)).containsExactly(3, 3, 2);
        // 0.95, 3.81 and 95.24 of 100.
        assertThat(Mixture.PROPORTIONAL.quotas(SOURCES, 100)).containsExactly(1, 4, 95);
    }

    @Test
    void aSourceIsGoneThroughAsOftenAsItsRateAsks() {
        assertThat(Mixture.PROPORTIONAL.passes(SOURCES, 3)).containsExactly(3, 3, 3);
        // Of 10,500 examples 2,100, 4,200 and 4,200, from 100, 400 and 10,000.
        double[] passes = new Mixture.Explicit(Map.of("small", 2.0, "middle", 4.0, "large", 4.0)).passes(SOURCES, 1);
        assertRates(passes, 21, 10.5, 0.42);
    }

    @Test
    void mistakesAreNamed() {
        assertThatThrownBy(() -> rates("{rates: explicit, weights: {small: 1, middle: 1}}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("no rate for the source 'large'");
        assertThatThrownBy(() -> rates("{rates: explicit, weights: {small: 1, middle: 1, large: 1, huge: 1}}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("'huge', which is no source");
        assertThatThrownBy(() -> rates("{rates: explicit, weights: {small: -1}}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("weights.small -1.0");
        assertThatThrownBy(() -> rates("{rates: t5-superglue}"))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("SuperGLUE's tasks");
        assertThatThrownBy(() -> rates("{temperature: 0.5}")).hasMessageContaining("temperature 0.5");
        assertThatThrownBy(() -> new Source("empty", 0)).hasMessageContaining("'empty' has no examples");
        assertThatThrownBy(() -> Mixture.PROPORTIONAL.rates(List.of(new Source("a", 1), new Source("a", 2))))
                .hasMessageContaining("Two sources of the mixture are called 'a'");
    }

    @Property(tries = 300)
    void quotasAreWithinOneOfTheirShareAndAddUp(
            @ForAll @Size(min = 1, max = 12) List<@LongRange(min = 1, max = 1L << 40) Long> examples,
            @ForAll @DoubleRange(min = 1, max = 10) double temperature,
            @ForAll @LongRange(min = 0, max = 1L << 40) long total) {
        List<Source> sources = IntStream.range(0, examples.size())
                .mapToObj(i -> new Source("source " + i, examples.get(i)))
                .toList();
        Mixture mixture = new Mixture.Proportional(temperature, Optional.empty(), 1);
        double[] rates = mixture.rates(sources);
        long[] quotas = mixture.quotas(sources, total);
        assertThat(Arrays.stream(rates).sum()).isCloseTo(1, within(1e-9));
        assertThat(Arrays.stream(quotas).sum()).isEqualTo(total);
        for (int i = 0; i < rates.length; i++) {
            assertThat((double) quotas[i]).isBetween(total * rates[i] - 1.001, total * rates[i] + 1.001);
        }
    }
}
