package dev.sparkswitch.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.train.HostSnapshot.Named;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Copies of tensors, whose memory is made beside the thread that trains. */
@Timeout(60)
class HostSnapshotTest {
    private static final int SIZE = 5;

    private final Engine engine = new Nd4jEngine(Precision.FLOAT32, 1);
    private final Named a = named("a", 1);
    private final Named b = named("b", 2);
    private final AtomicInteger made = new AtomicInteger();
    private final Set<Thread> makers = ConcurrentHashMap.newKeySet();

    @AfterEach
    void close() throws Exception {
        a.tensor().close();
        b.tensor().close();
        engine.close();
    }

    private Named named(String name, double value) {
        Tensor tensor = engine.allocate(DType.FLOAT32, SIZE);
        engine.fill(tensor, value);
        return new Named(name, tensor);
    }

    private ByteBuffer memory(int bytes) {
        made.incrementAndGet();
        makers.add(Thread.currentThread());
        return engine.hostMemory(bytes);
    }

    private static List<Float> contents(TensorSource source) throws IOException {
        List<Float> values = new ArrayList<>();
        source.content().send(piece -> {
            ByteBuffer bytes = piece.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            while (bytes.hasRemaining()) {
                values.add(bytes.getFloat());
            }
        });
        return values;
    }

    private void assertCopies(HostSnapshot snapshot) throws IOException {
        List<TensorSource> copies = snapshot.copy(List.of(a, b));
        engine.fill(a.tensor(), -1);
        assertThat(contents(copies.get(0))).hasSize(SIZE).containsOnly(1f);
        assertThat(contents(copies.get(1))).hasSize(SIZE).containsOnly(2f);
        engine.fill(a.tensor(), 1);
        assertThat(snapshot.bytes()).isEqualTo(2 * SIZE * Float.BYTES);
    }

    @Test
    void copiesAreMadeInMemoryThatIsKept() throws IOException {
        try (HostSnapshot snapshot = new HostSnapshot(engine, this::memory)) {
            assertCopies(snapshot);
            assertCopies(snapshot);
        }
        assertThat(made).hasValue(2);
        assertThat(makers).containsOnly(Thread.currentThread());
    }

    @Test
    void memoryIsMadeBesideTheThreadThatTrains() throws IOException {
        try (HostSnapshot snapshot = new HostSnapshot(engine, this::memory)) {
            snapshot.prepare(List.of(a, b));
            assertCopies(snapshot);
        }
        assertThat(made).as("nothing is made twice").hasValue(2);
        assertThat(makers).hasSize(1).doesNotContain(Thread.currentThread());
    }

    @Test
    void aCopyWaitsForMemoryThatIsBeingMade() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        try (HostSnapshot snapshot = new HostSnapshot(engine, bytes -> {
            begun.countDown();
            await(released);
            return memory(bytes);
        })) {
            snapshot.prepare(List.of(a, b));
            begun.await();
            FutureTask<Void> copying = new FutureTask<>(() -> {
                assertCopies(snapshot);
                return null;
            });
            Thread trains = new Thread(copying);
            trains.start();
            while (trains.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            assertThat(copying.isDone()).isFalse();
            released.countDown();
            copying.get();
        }
        assertThat(made).hasValue(2);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whatCouldNotBeMadeAheadIsMadeForTheFirstCopy() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        IntFunction<ByteBuffer> scarce = bytes -> {
            if (asked.incrementAndGet() == 2) {
                throw new OutOfMemoryError("Cannot reserve 20 bytes of direct buffer memory");
            }
            return memory(bytes);
        };
        try (HostSnapshot snapshot = new HostSnapshot(engine, scarce)) {
            snapshot.prepare(List.of(a, b));
            assertCopies(snapshot);
        }
        assertThat(asked).hasValue(3);
        assertThat(makers).hasSize(2).contains(Thread.currentThread());
    }

    @Test
    void noMemoryAtAllIsSaidWithARemedy() {
        try (HostSnapshot snapshot = new HostSnapshot(engine, bytes -> {
            throw new OutOfMemoryError("Cannot reserve 20 bytes of direct buffer memory");
        })) {
            snapshot.prepare(List.of(a, b));
            assertThatThrownBy(() -> snapshot.copy(List.of(a, b)))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("copy of a")
                    .hasMessageContaining("spark.executor.memoryOverhead");
        }
    }

    /** The engine is closed next: nothing may be made with it any more. */
    @Test
    void closingWaitsForWhatIsBeingMadeAndStopsTheRest() {
        Thread closes = Thread.currentThread();
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger over = new AtomicInteger();
        HostSnapshot snapshot = new HostSnapshot(engine, bytes -> {
            begun.incrementAndGet();
            while (closes.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            ByteBuffer buffer = memory(bytes);
            over.incrementAndGet();
            return buffer;
        });
        snapshot.prepare(List.of(a, b));
        while (begun.get() == 0) {
            Thread.onSpinWait();
        }
        Thread.currentThread().interrupt();
        snapshot.close();
        boolean interrupted = Thread.interrupted();
        assertThat(over).hasValue(1);
        assertThat(interrupted).isTrue();
        assertThat(makers).noneMatch(Thread::isAlive);
    }
}
