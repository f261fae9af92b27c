package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.train.LearningRate.Schedule;
import org.junit.jupiter.api.Test;

class LearningRateTest {
    @Test
    void theDefaultIsT5sInverseSquareRoot() {
        LearningRate rate = new LearningRate(Schedule.INVERSE_SQUARE_ROOT, 0.01, 10_000);
        assertThat(rate.at(1, 0)).isEqualTo(0.01);
        assertThat(rate.at(10_000, 0)).isEqualTo(0.01);
        for (long step : new long[] {10_001, 40_000, 524_288}) {
            assertThat(rate.at(step, 0)).isCloseTo(1 / Math.sqrt(step), within(1e-15));
        }
    }

    @Test
    void constantWarmsUpLinearly() {
        LearningRate rate = new LearningRate(Schedule.CONSTANT, 0.5, 10);
        assertThat(rate.at(1, 100)).isCloseTo(0.05, within(1e-15));
        assertThat(rate.at(10, 100)).isEqualTo(0.5);
        assertThat(rate.at(1_000_000, 100)).isEqualTo(0.5);
    }

    @Test
    void linearDecayEndsAtATenthAndStaysThere() {
        LearningRate rate = new LearningRate(Schedule.LINEAR_DECAY, 0.5, 10);
        assertThat(rate.at(5, 110)).isCloseTo(0.25, within(1e-15));
        assertThat(rate.at(10, 110)).isCloseTo(0.5, within(1e-15));
        assertThat(rate.at(60, 110)).isCloseTo(0.5 * 0.55, within(1e-15));
        assertThat(rate.at(110, 110)).isCloseTo(0.05, within(1e-15));
        assertThat(rate.at(500, 110)).isCloseTo(0.05, within(1e-15));
    }

    @Test
    void aRunShorterThanItsWarmUpKeepsRising() {
        LearningRate rate = new LearningRate(Schedule.LINEAR_DECAY, 0.5, 10);
        for (long step = 1; step < 5; step++) {
            assertThat(rate.at(step + 1, 5)).isGreaterThan(rate.at(step, 5));
        }
    }

    @Test
    void impossibleSettingsAreRefused() {
        assertThatThrownBy(() -> new LearningRate(Schedule.CONSTANT, 0, 10)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> new LearningRate(Schedule.CONSTANT, Double.NaN, 10))
                .isInstanceOf(UserException.class);
        assertThatThrownBy(() -> new LearningRate(Schedule.CONSTANT, 0.1, 0)).isInstanceOf(UserException.class);
    }
}
