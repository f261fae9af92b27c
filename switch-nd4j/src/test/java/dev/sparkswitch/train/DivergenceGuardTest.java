package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.checkpoint.Rollback;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class DivergenceGuardTest {
    private static final DivergenceConfig TWO_NATS = new DivergenceConfig(2, 4, 3);

    private static StepMetrics step(long step, double loss, double gradientNorm) {
        return new StepMetrics(
                step, loss, 0, 0, 0.01, gradientNorm, 1, 1, 1, 1, List.of(), Optional.empty(), new TreeMap<>());
    }

    private static DivergenceGuard after(DivergenceConfig config, double... losses) {
        DivergenceGuard guard = new DivergenceGuard(config);
        for (int i = 0; i < losses.length; i++) {
            guard.check(step(i + 1, losses[i], 1));
        }
        return guard;
    }

    @Test
    void aLossOrAGradientThatIsNoNumberIsDivergenceAtOnce() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new DivergenceGuard(TWO_NATS).check(step(1, bad, 1)))
                    .isInstanceOf(DivergenceException.class);
            assertThatThrownBy(() -> new DivergenceGuard(TWO_NATS).check(step(1, 3, bad)))
                    .isInstanceOf(DivergenceException.class)
                    .hasMessage("loss 3.0 and gradient norm " + bad + " at step 1");
        }
    }

    @Test
    void aLossFarAboveTheWindowsMeanIsDivergence() {
        DivergenceGuard guard = after(TWO_NATS, 3, 3.1, 2.9, 3);
        assertThatCode(() -> guard.check(step(5, 4.9, 1))).doesNotThrowAnyException();
        assertThatThrownBy(() -> after(TWO_NATS, 3, 3.1, 2.9, 3).check(step(5, 5.1, 1)))
                .isInstanceOfSatisfying(DivergenceException.class, exception -> assertThat(exception.step())
                        .isEqualTo(5))
                .hasMessage("cross-entropy 5.100 at step 5 after a mean of 3.000 over the 4 steps before");
    }

    @Test
    void noisyLossesAreComparedWithTheirNoise() {
        // Mean 2, standard deviation 1: the limit is 8.
        assertThatCode(() -> after(TWO_NATS, 1, 3, 1, 3).check(step(5, 7.9, 1))).doesNotThrowAnyException();
        assertThatThrownBy(() -> after(TWO_NATS, 1, 3, 1, 3).check(step(5, 8.1, 1)))
                .isInstanceOf(DivergenceException.class);
    }

    @Test
    void beforeTheWindowIsFullOnlyNumbersCount() {
        assertThatCode(() -> after(TWO_NATS, 1, 1, 1).check(step(4, 100, 1))).doesNotThrowAnyException();
        assertThatCode(() -> after(new DivergenceConfig(0, 2, 3), 1, 1, 1).check(step(4, 100, 1)))
                .doesNotThrowAnyException();
    }

    @Test
    void aWindowThatWasSavedDecidesAlike() {
        DivergenceGuard again = new DivergenceGuard(TWO_NATS);
        again.restore(after(TWO_NATS, 9, 3, 3.1, 2.9, 3).state());
        assertThatThrownBy(() -> again.check(step(6, 5.1, 1)))
                .hasMessage("cross-entropy 5.100 at step 6 after a mean of 3.000 over the 4 steps before");
    }

    @Property
    void everyStepTakesTheNextBatchThatIsNotLeftOut(
            @ForAll @Size(max = 6) List<@IntRange(max = 30) Integer> firsts, @ForAll @IntRange(max = 8) int longest) {
        List<Rollback> rollbacks = new ArrayList<>();
        for (int i = 0; i < firsts.size(); i++) {
            rollbacks.add(new Rollback(1, firsts.get(i), firsts.get(i) + (i * 5) % (longest + 1), ""));
        }
        BatchOrder order = new BatchOrder(rollbacks);
        long step = 0;
        for (long batch = 0; batch < 60; batch++) {
            long candidate = batch;
            boolean skipped = rollbacks.stream()
                    .anyMatch(known -> known.firstBatch() <= candidate && candidate <= known.lastBatch());
            if (!skipped) {
                assertThat(order.batch(step)).isEqualTo(batch);
                step++;
            }
        }
    }
}
