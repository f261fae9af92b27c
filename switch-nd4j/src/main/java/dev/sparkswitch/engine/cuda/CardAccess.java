package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;

/**
 * Other cards' access to a card's memory. Their threads ask for copies into it within {@link #use}; once the card has left,
 * they are refused, and what it holds is given back only when nobody asks any more and nothing that was asked for is under
 * way. A copy to memory that has been given back does not fail: it ends the process.
 *
 * <p>Thread-safe.
 */
final class CardAccess {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final ReentrantReadWriteLock requests = new ReentrantReadWriteLock();
    /** Of each group of another card: whether something that it asked for is under way. */
    private final List<BooleanSupplier> writers = new ArrayList<>();

    private volatile boolean closed;
    private volatile boolean kept;

    /**
     * Runs a request for something that touches the card's memory, which stays until the request has returned. It must not wait
     * for the card's own thread.
     *
     * @throws IllegalStateException where the card has left
     */
    void use(Runnable request) {
        requests.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("another card has left its group");
            }
            request.run();
        } finally {
            requests.readLock().unlock();
        }
    }

    /** Whether the card has left. */
    boolean closed() {
        return closed;
    }

    /** From here on another card's group may write, until {@link #dismiss}; to be called within {@link #use}. */
    void admit(BooleanSupplier writing) {
        synchronized (writers) {
            writers.add(writing);
        }
    }

    /** The group writes no more; when this has returned, nobody asks it whether it does. */
    void dismiss(BooleanSupplier writing) {
        synchronized (writers) {
            writers.remove(writing);
        }
    }

    /** What the card holds must stay for good: its own operations cannot be ended. */
    void keep() {
        kept = true;
    }

    /**
     * Refuses requests from here on and waits for those under way, whether or not the thread is interrupted.
     *
     * @param most how long to wait
     * @return whether what the card holds may be given back
     */
    boolean close(Duration most) {
        closed = true;
        long end = System.nanoTime() + most.toNanos();
        return within(end, this::nobodyAsks) && within(end, this::nobodyWrites) && !kept;
    }

    private boolean nobodyAsks() {
        boolean alone = requests.writeLock().tryLock();
        if (alone) {
            requests.writeLock().unlock();
        }
        return alone;
    }

    private boolean nobodyWrites() {
        synchronized (writers) {
            for (BooleanSupplier writing : writers) {
                if (writing.getAsBoolean()) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Runs {@code ending}, and {@code release} again and again until it has returned: what it waits for may be held up anew. */
    static void during(Runnable ending, Runnable release) {
        release.run();
        AtomicBoolean over = new AtomicBoolean();
        Thread releasing = new Thread(
                () -> {
                    while (!over.get()) {
                        release.run();
                        LockSupport.parkNanos(LOOK_NANOS);
                    }
                },
                "sparkswitch-card-release");
        releasing.setDaemon(true);
        releasing.start();
        try {
            ending.run();
        } finally {
            over.set(true);
            // What it releases must stay until it has ended.
            Threads.join(releasing);
        }
    }

    /** Whether the condition comes to hold before the end. */
    static boolean within(long end, BooleanSupplier condition) {
        boolean interrupted = false;
        boolean holds = condition.getAsBoolean();
        while (!holds && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(LOOK_NANOS);
            interrupted |= Thread.interrupted();
            holds = condition.getAsBoolean();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return holds;
    }
}
