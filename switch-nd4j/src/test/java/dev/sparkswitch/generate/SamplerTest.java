package dev.sparkswitch.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SamplerTest {
    static List<JsonNode> goldens() {
        return Goldens.of("warp");
    }

    private static GenerationConfig settings(double temperature, int topK, double topP, long seed) {
        return new GenerationConfig(Mode.SAMPLE, 1, 1, EarlyStopping.FALSE, temperature, topK, topP, seed, 0, 0, 10);
    }

    private static double[] probabilities(Scores logits) {
        double[] shares = new double[logits.count()];
        double max = logits.at(logits.best());
        double sum = 0;
        for (int id = 0; id < shares.length; id++) {
            shares[id] = Math.exp(logits.at(id) - max);
            sum += shares[id];
        }
        for (int id = 0; id < shares.length; id++) {
            shares[id] /= sum;
        }
        return shares;
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void probabilitiesAreThoseOfTransformers(JsonNode golden) {
        Scores logits = Scores.of(Goldens.doubles(golden.get("logits")));
        new Sampler(settings(
                        golden.get("temperature").asDouble(),
                        golden.get("top-k").asInt(),
                        golden.get("top-p").asDouble(),
                        0))
                .warp(logits);
        assertThat(probabilities(logits)).containsExactly(Goldens.doubles(golden.get("probabilities")), within(2e-6));
    }

    @Property(tries = 20, seed = "20")
    void tokensComeAsOftenAsTheyAreProbable(
            @ForAll @Size(min = 2, max = 8) List<@DoubleRange(min = -3, max = 3) Double> logits,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 500) int position) {
        int draws = 20_000;
        double[] values = logits.stream().mapToDouble(Double::doubleValue).toArray();
        int[] counts = new int[values.length];
        Sampler sampler = new Sampler(settings(1, 0, 1, seed));
        for (long row = 0; row < draws; row++) {
            counts[sampler.draw(Scores.of(values.clone()), row, position)]++;
        }
        double[] wanted = probabilities(Scores.of(values));
        for (int id = 0; id < counts.length; id++) {
            // Five standard deviations of a binomial, and one draw for the rarest.
            double deviation = Math.sqrt(wanted[id] * (1 - wanted[id]) / draws);
            assertThat((double) counts[id] / draws).isCloseTo(wanted[id], within(5 * deviation + 1.0 / draws));
        }
    }

    @Property
    void aTokenHangsOnSeedRowAndPositionAlone(@ForAll long seed, @ForAll long row, @ForAll @IntRange(min = 1) int at) {
        double[] even = new double[1000];
        int first = new Sampler(settings(1, 0, 1, seed)).draw(Scores.of(even.clone()), row, at);
        Sampler other = new Sampler(settings(1, 0, 1, seed));
        other.draw(Scores.of(even.clone()), row + 1, at);
        other.draw(Scores.of(even.clone()), row, at + 1);
        assertThat(other.draw(Scores.of(even.clone()), row, at)).isEqualTo(first);
    }

    @Property
    void onlyTheMostProbableAreDrawn(
            @ForAll @Size(min = 1, max = 12) List<@DoubleRange(min = -9, max = 9) Double> logits,
            @ForAll @IntRange(min = 1, max = 4) int topK,
            @ForAll long row) {
        double[] values = logits.stream().mapToDouble(Double::doubleValue).toArray();
        int drawn = new Sampler(settings(1, topK, 1, 5)).draw(Scores.of(values.clone()), row, 1);
        int better = 0;
        for (double value : values) {
            better += value > values[drawn] ? 1 : 0;
        }
        assertThat(better).isLessThan(topK);
    }
}
