package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.train.StepMetrics.HeldOutLoss;
import dev.sparkswitch.train.StepMetrics.Layer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StepMetricsTest {
    /** Sums over 8 routed tokens with two choices each, 4 of which were dropped, and 3 experts. */
    private static final double[] SUMS = {1.5, 20, 8, 4, 6, 5, 2, 6, 0};

    private static StepMetrics metrics(List<Layer> layers, Optional<HeldOutLoss> heldOut) {
        return new StepMetrics(7, 2.5, 0.25, 0.125, 0.01, 3, 1000, 0.5, 12, layers, heldOut);
    }

    @Test
    void sumsBecomeMeansOverRoutedTokens() {
        Layer layer = Layer.of("encoder.block.1", SUMS, 2);
        assertThat(layer.load()).containsExactly(0.25, 0.75, 0);
        assertThat(layer.dropped()).isEqualTo(0.25);
        assertThat(layer.entropy()).isEqualTo(0.75);
        assertThat(layer.confidence()).isEqualTo(0.625);
    }

    @Test
    void aLayerThatRoutedNothingHasNoNaN() {
        Layer layer = Layer.of("encoder.block.1", new double[9], 1);
        assertThat(layer.load()).containsExactly(0, 0, 0);
        assertThat(layer.dropped()).isZero();
        assertThat(layer.entropy()).isZero();
        assertThat(layer.confidence()).isZero();
    }

    @Test
    void theLossIsTheSumOfItsPartsAndDropsAreTheLayersMean() {
        Layer one = Layer.of("a", SUMS, 2);
        Layer two = Layer.of("b", new double[9], 2);
        StepMetrics metrics = metrics(List.of(one, two), Optional.empty());
        assertThat(metrics.loss()).isCloseTo(2.875, within(1e-12));
        assertThat(metrics.droppedFraction()).isEqualTo(0.125);
        assertThat(metrics(List.of(), Optional.empty()).droppedFraction()).isZero();
    }

    @Test
    void aLineHoldsEveryNumberAndTheHeldOutLossOnlyWhereTaken() {
        Layer layer = Layer.of("encoder.block.1", SUMS, 2);
        ObjectNode line = metrics(List.of(layer), Optional.empty()).toJson();
        assertThat(line.get("step").asLong()).isEqualTo(7);
        assertThat(line.get("loss").asDouble()).isEqualTo(2.875);
        assertThat(line.get("tokens-per-second").asDouble()).isEqualTo(2000);
        assertThat(line.at("/layers/0/name").asText()).isEqualTo("encoder.block.1");
        assertThat(line.at("/layers/0/load/1").asDouble()).isEqualTo(0.75);
        assertThat(line.has("heldout-loss")).isFalse();
        ObjectNode scored = metrics(List.of(layer), Optional.of(new HeldOutLoss(3.5, 4, 100)))
                .toJson();
        assertThat(scored.get("heldout-loss").asDouble()).isEqualTo(3.5);
        assertThat(scored.get("heldout-text-loss").asDouble()).isEqualTo(4);
    }
}
