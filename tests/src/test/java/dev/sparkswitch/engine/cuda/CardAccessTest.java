package dev.sparkswitch.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A card's memory is given back only when no other card can write to it any more. */
@Timeout(60)
class CardAccessTest {
    private static final Duration AMPLE = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    private final CardAccess access = new CardAccess();

    private static <T> FutureTask<T> beside(FutureTask<T> task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private FutureTask<Boolean> closeBeside() throws InterruptedException {
        FutureTask<Boolean> closing = beside(new FutureTask<>(() -> access.close(AMPLE)));
        while (!access.closed()) {
            Thread.sleep(1);
        }
        return closing;
    }

    @Test
    void aCardThatHasLeftRefusesRequests() {
        assertThatCode(() -> access.use(() -> {})).doesNotThrowAnyException();
        assertThat(access.close(AMPLE)).isTrue();
        AtomicBoolean asked = new AtomicBoolean();
        assertThatThrownBy(() -> access.use(() -> asked.set(true)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has left");
        assertThat(asked).isFalse();
    }

    @Test
    void leavingWaitsForARequestAndRefusesTheNext() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        FutureTask<Void> request = beside(new FutureTask<>(
                () -> access.use(() -> {
                    inside.countDown();
                    awaitPatiently(over);
                }),
                null));
        inside.await();
        FutureTask<Boolean> closing = closeBeside();
        assertThatThrownBy(() -> access.use(() -> {})).hasMessageContaining("has left");
        assertThat(closing.isDone()).isFalse();
        over.countDown();
        request.get();
        assertThat(closing.get()).isTrue();
    }

    private static void awaitPatiently(CountDownLatch latch) {
        try {
            latch.await(AMPLE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void leavingWaitsForWhatIsUnderWay() throws Exception {
        AtomicBoolean writing = new AtomicBoolean(true);
        access.use(() -> access.admit(writing::get));
        FutureTask<Boolean> closing = closeBeside();
        Thread.sleep(SHORT.toMillis());
        assertThat(closing.isDone()).isFalse();
        writing.set(false);
        assertThat(closing.get()).isTrue();
    }

    @Test
    void memoryStaysWhereACopyDoesNotEnd() {
        access.admit(() -> true);
        assertThat(access.close(SHORT)).isFalse();
    }

    @Test
    void whoHasBeenDismissedIsNotWaitedFor() {
        BooleanSupplier writing = () -> true;
        access.admit(writing);
        access.dismiss(writing);
        assertThat(access.close(SHORT)).isTrue();
    }

    @Test
    void memoryStaysWhereTheCardsOwnOperationsDoNotEnd() {
        access.keep();
        assertThat(access.close(AMPLE)).isFalse();
    }

    /** A task that is ended is interrupted: that must not cut the wait short. */
    @Test
    void anInterruptIsKeptForLater() {
        AtomicBoolean interruptedMeanwhile = new AtomicBoolean();
        int[] looks = new int[1];
        access.admit(() -> {
            interruptedMeanwhile.compareAndSet(false, Thread.currentThread().isInterrupted() && looks[0] > 0);
            return looks[0]++ < 3;
        });
        Thread.currentThread().interrupt();
        boolean alone = access.close(AMPLE);
        boolean interrupted = Thread.interrupted();
        assertThat(alone).isTrue();
        assertThat(interrupted).isTrue();
        assertThat(looks[0]).isEqualTo(4);
        assertThat(interruptedMeanwhile).as("waits instead of spinning").isFalse();
    }

    /** Another card that has not been told yet counts from 4 to 5 just after this one's wait for 6 was released. */
    @Test
    void whatIsHeldUpAnewIsReleasedAnew() {
        int released = 1 << 30;
        AtomicInteger counter = new AtomicInteger(4);
        AtomicBoolean countedOn = new AtomicBoolean();
        AtomicInteger seen = new AtomicInteger();
        CardAccess.during(
                () -> {
                    // The release before has gone under.
                    counter.set(5);
                    countedOn.set(true);
                    while (counter.get() < 6) {
                        Thread.onSpinWait();
                    }
                    seen.set(counter.get());
                },
                () -> counter.set(released));
        assertThat(countedOn).isTrue();
        assertThat(seen).hasValue(released);
    }

    /** The counters are given back next. */
    @Test
    void nothingIsReleasedOnceTheEndHasCome() throws Exception {
        AtomicInteger releases = new AtomicInteger();
        assertThatThrownBy(() -> CardAccess.during(
                        () -> {
                            while (releases.get() < 3) {
                                Thread.onSpinWait();
                            }
                            Thread.currentThread().interrupt();
                            throw new IllegalStateException("the library is out of sorts");
                        },
                        releases::incrementAndGet))
                .hasMessageContaining("out of sorts");
        assertThat(Thread.interrupted()).isTrue();
        int then = releases.get();
        Thread.sleep(SHORT.toMillis());
        assertThat(releases).hasValue(then);
    }
}
