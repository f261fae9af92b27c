package dev.sparkswitch.collective;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * What becomes of a rank's collectives: the first failure that it learns of, which is final. Its lock guards the state
 * that the calling thread and the event loops share, and it wakes the caller when that state changes.
 */
final class Fate {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Consumer<CollectiveException> onFailure;
    private CollectiveException failure;
    private boolean closing;

    /** @param onFailure told of the first failure, once, outside the lock */
    Fate(Consumer<CollectiveException> onFailure) {
        this.onFailure = onFailure;
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    /** Wakes the caller; with the lock held. */
    void wake() {
        changed.signalAll();
    }

    /** Waits for a change until {@code deadlineNanos} of {@link System#nanoTime}; false once it is past. Lock held. */
    boolean await(long deadlineNanos) throws InterruptedException {
        return changed.awaitNanos(deadlineNanos - System.nanoTime()) > 0;
    }

    /** Makes {@code cause} the failure, unless there is one already. */
    void fail(CollectiveException cause) {
        lock.lock();
        try {
            if (failure != null) {
                return;
            }
            failure = cause;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        onFailure.accept(cause);
    }

    /** The failure, or null. */
    CollectiveException failure() {
        lock.lock();
        try {
            return failure;
        } finally {
            lock.unlock();
        }
    }

    /** From now on, connections may end without being missed. */
    void close() {
        lock.lock();
        try {
            closing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether nothing more is expected of anyone: failed, or closing. */
    boolean over() {
        lock.lock();
        try {
            return closing || failure != null;
        } finally {
            lock.unlock();
        }
    }

    /** Throws the failure, if there is one. */
    void check() {
        CollectiveException known = failure();
        if (known != null) {
            throw Failures.again(known);
        }
    }
}
