package dev.sparkswitch.collective;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.cuda.CardGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A card's exchanges of all groups stand in one order: the end of one may wait for the end of any other. */
@Timeout(60)
class CardAbortTest {
    private static final int GROUPS = 8;

    private final CountDownLatch underWay = new CountDownLatch(GROUPS);
    private final AtomicInteger ended = new AtomicInteger();

    /** Ends only when all others are being ended too. */
    private final class Entangled implements CardGroup {
        @Override
        public void abort() {
            underWay.countDown();
            try {
                if (underWay.await(20, TimeUnit.SECONDS)) {
                    ended.incrementAndGet();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public Started allReduceSum(Tensor data) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean writesAcross() {
            return false;
        }

        @Override
        public void expect(Tensor receive) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Started allToAll(Tensor send, Tensor receive) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Started broadcast(Tensor data, int root) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<String> fault() {
            return Optional.empty();
        }

        @Override
        public boolean pending() {
            return true;
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void allGroupsAreEndedAtOnce() {
        List<CardGroup> groups = new ArrayList<>();
        for (int group = 0; group < GROUPS; group++) {
            groups.add(new Entangled());
        }
        Thread.currentThread().interrupt();
        CardCollectives.abort(groups);
        boolean interrupted = Thread.interrupted();
        assertThat(ended).hasValue(GROUPS);
        assertThat(interrupted).isTrue();
    }
}
