package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.model.Exploration;
import dev.sparkswitch.model.RouterConfig;
import dev.sparkswitch.train.StepMetrics.HeldOutLoss;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class StepMetricsTest {
    private static final RouterConfig TOP_2 = RouterConfig.topK(2);
    private static final double[] NOTHING = new double[21];

    /**
     * Sums over 8 routed tokens with two choices each, 4 of which were dropped, and 3 experts: demand, kept, dropped, entropy
     * and confidence of each.
     */
    private static final double[] SUMS = {1.5, 20, 8, 4, 6, 5, 2, 6, 0, 4, 6, 2, 1, 2, 1, 1, 5, 0, 1.5, 3.5, 0};

    private static StepMetrics metrics(List<RouterMetrics> layers, Optional<HeldOutLoss> heldOut) {
        return new StepMetrics(7, 2.5, 0.25, 0.125, 0.01, 3, 1000, 0.5, 12, 40, layers, heldOut, new TreeMap<>());
    }

    @Test
    void sumsBecomeMeansOverRoutedTokens() {
        RouterMetrics layer = RouterMetrics.of("encoder.block.1", SUMS, TOP_2);
        assertThat(layer.experts().load()).containsExactly(0.25, 0.75, 0);
        assertThat(layer.dropped()).isEqualTo(0.25);
        assertThat(layer.entropy()).isEqualTo(0.75);
        assertThat(layer.confidence()).isEqualTo(0.625);
        assertThat(layer.expertsPerToken()).isEqualTo(1.5);
    }

    @Test
    void everyExpertHasItsOwnMeans() {
        RouterMetrics.Experts experts =
                RouterMetrics.of("encoder.block.1", SUMS, TOP_2).experts();
        assertThat(experts.taken()).containsExactly(0.5, 0.75, 0.25);
        assertThat(experts.dropped()).containsExactly(0.2, 0.25, 1.0 / 3);
        assertThat(experts.entropy()).containsExactly(0.5, 5.0 / 6, 0);
        assertThat(experts.confidence()).containsExactly(0.75, 3.5 / 6, 0);
    }

    @Test
    void whereExpertsChooseDroppedIsTheShareOfTokensThatNoneTook() {
        RouterConfig choice = new RouterConfig.ExpertChoice(new Exploration.Argmax());
        assertThat(RouterMetrics.of("encoder.block.1", SUMS, choice).dropped()).isEqualTo(0.5);
    }

    @Test
    void aLayerThatRoutedNothingHasNoNaN() {
        RouterMetrics layer = RouterMetrics.of("encoder.block.1", NOTHING, TOP_2);
        assertThat(layer.experts().load()).containsExactly(0, 0, 0);
        assertThat(layer.dropped()).isZero();
        assertThat(layer.entropy()).isZero();
        assertThat(layer.confidence()).isZero();
    }

    @Test
    void theLossIsTheSumOfItsPartsAndDropsAreTheLayersMean() {
        RouterMetrics one = RouterMetrics.of("a", SUMS, TOP_2);
        RouterMetrics two = RouterMetrics.of("b", NOTHING, TOP_2);
        StepMetrics metrics = metrics(List.of(one, two), Optional.empty());
        assertThat(metrics.loss()).isCloseTo(2.875, within(1e-12));
        assertThat(metrics.droppedFraction()).isEqualTo(0.125);
        assertThat(metrics(List.of(), Optional.empty()).droppedFraction()).isZero();
    }

    @Test
    void aLineHoldsEveryNumberAndTheHeldOutLossOnlyWhereTaken() {
        RouterMetrics layer = RouterMetrics.of("encoder.block.1", SUMS, TOP_2);
        ObjectNode line = metrics(List.of(layer), Optional.empty()).toJson();
        assertThat(line.get("step").asLong()).isEqualTo(7);
        assertThat(line.get("loss").asDouble()).isEqualTo(2.875);
        assertThat(line.get("tokens-per-second").asDouble()).isEqualTo(2000);
        assertThat(line.at("/layers/0/name").asText()).isEqualTo("encoder.block.1");
        assertThat(line.at("/layers/0/load/1").asDouble()).isEqualTo(0.75);
        assertThat(line.at("/layers/0/experts-per-token").asDouble()).isEqualTo(1.5);
        assertThat(line.at("/layers/0/experts/dropped/2").asDouble()).isEqualTo(0.333333);
        assertThat(line.has("heldout-loss")).isFalse();
        ObjectNode scored = metrics(List.of(layer), Optional.of(new HeldOutLoss(3.5, 4, 100)))
                .toJson();
        assertThat(scored.get("heldout-loss").asDouble()).isEqualTo(3.5);
        assertThat(scored.get("heldout-text-loss").asDouble()).isEqualTo(4);
    }
}
