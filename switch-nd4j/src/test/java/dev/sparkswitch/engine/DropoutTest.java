package dev.sparkswitch.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.sparkswitch.base.RandomStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class DropoutTest {
    private static Dropout of(double rate) {
        return Dropout.ofRows(rate, RandomStream.DROPOUT.at(1, 2, 3), 0);
    }

    @Property
    void anElementKeepsItsExpectationAtTheRateInEffect(@ForAll @IntRange(min = 1, max = 9_999_999) int part) {
        double rate = part / 1e7;
        Dropout dropout = of(rate);
        double kept = 1 - dropout.threshold() / 65_536.0;
        assertThat(dropout.scale() * kept).isCloseTo(1, within(1e-12));
        assertThat(kept).isPositive();
        assertThat(1 - kept).isCloseTo(rate, within(1.0 / 65_536));
    }

    @Example
    void aTenthIsRoundedToTheNearestStep() {
        assertThat(of(0.1).threshold()).isEqualTo(6_554);
    }
}
