package dev.sparkswitch.tests.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.train.StepMetrics;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A rank that fails or hangs while the other's card waits for it: the other ends, says why, and the cards work on. */
class CardFaultTest {
    private static final Duration AMPLE = Duration.ofMinutes(5);
    private static final Duration SHORT = Duration.ofSeconds(10);
    /** What noticing, ending and closing may take besides. */
    private static final Duration MARGIN = Duration.ofSeconds(30);

    private static CardRanks two(EngineCase engines, Duration deadline) {
        return new CardRanks(engines, 2, CardRanks.Size.of(engines), deadline);
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("dev.sparkswitch.tests.engine.CardRanks#engines")
    void aRankThatFailsEndsTheOther(EngineCase engines) throws Exception {
        long[] failed = new long[1];
        List<FutureTask<List<StepMetrics>>> ranks = two(engines, AMPLE).train(4, (rank, step) -> {
            if (rank == 1 && step == 2) {
                failed[0] = System.nanoTime();
                throw new IllegalStateException("the memory of this rank is on fire");
            }
        });
        assertThat(Duration.ofNanos(System.nanoTime() - failed[0])).isLessThan(MARGIN);
        assertThatThrownBy(() -> ranks.get(0).get())
                .isInstanceOf(ExecutionException.class)
                .hasMessageContaining("rank 1")
                .hasMessageContaining("the memory of this rank is on fire");
        theCardsWorkOn(engines);
    }

    static Stream<EngineCase> cards() {
        return CardRanks.engines().filter(CardRanks::isCard);
    }

    /** An emulated card does not wait by itself. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("cards")
    void aRankThatHangsIsGivenUpAtTheDeadline(EngineCase engines) throws Exception {
        theCardsWorkOn(engines);
        hang(engines, 3);
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("cards")
    void aRankThatNeverComesIsGivenUpAtTheDeadline(EngineCase engines) throws Exception {
        theCardsWorkOn(engines);
        hang(engines, 1);
    }

    /** The second rank hangs until the first has ended. */
    private static final class Hang implements CardRanks.Before {
        private final CountDownLatch over = new CountDownLatch(1);
        private final int atStep;
        private Duration lasted;

        private Hang(int atStep) {
            this.atStep = atStep;
        }

        @Override
        public void step(int rank, int step) throws Exception {
            if (rank == 1 && step == atStep) {
                long start = System.nanoTime();
                over.await();
                lasted = Duration.ofNanos(System.nanoTime() - start);
            }
        }

        @Override
        public void ended(int rank) {
            if (rank == 0) {
                over.countDown();
            }
        }
    }

    private static void hang(EngineCase engines, int atStep) throws Exception {
        Hang hang = new Hang(atStep);
        List<FutureTask<List<StepMetrics>>> ranks = two(engines, SHORT).train(4, hang);
        assertThat(hang.lasted).isLessThan(SHORT.plus(MARGIN));
        assertThatThrownBy(() -> ranks.get(0).get()).hasMessageContaining("within");
        assertThatThrownBy(() -> ranks.get(1).get()).hasMessageContaining("within");
        theCardsWorkOn(engines);
    }

    private static void theCardsWorkOn(EngineCase engines) throws Exception {
        assertThat(two(engines, AMPLE).train(1)).hasSize(1);
    }
}
