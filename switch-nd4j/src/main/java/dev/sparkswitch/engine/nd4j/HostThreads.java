package dev.sparkswitch.engine.nd4j;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A fixed set of threads for loops over rows. Bodies write disjoint results, so that nothing depends on how many threads
 * there are.
 */
final class HostThreads implements AutoCloseable {
    /** A part of a loop. */
    interface Body {
        /** Does the iterations from {@code from} (inclusive) to {@code to} (exclusive). */
        void run(int from, int to);
    }

    private final int threads;
    private final ExecutorService workers;

    HostThreads(int threads) {
        this.threads = threads;
        this.workers = threads == 1
                ? null
                : Executors.newFixedThreadPool(threads - 1, task -> {
                    Thread thread = new Thread(task, "sparkswitch-host");
                    thread.setDaemon(true);
                    return thread;
                });
    }

    int count() {
        return threads;
    }

    /**
     * Runs {@code body} over 0 to {@code n}, cut into one part a thread.
     *
     * @param work an estimate of the elements touched in all: below a threshold the calling thread does it alone
     */
    void range(int n, long work, Body body) {
        if (n == 0) {
            return;
        }
        int parts = work < 16_384 ? 1 : Math.min(threads, n);
        if (parts == 1) {
            body.run(0, n);
            return;
        }
        List<Future<?>> pending = new ArrayList<>(parts - 1);
        for (int part = 1; part < parts; part++) {
            int from = (int) ((long) n * part / parts);
            int to = (int) ((long) n * (part + 1) / parts);
            pending.add(workers.submit(() -> body.run(from, to)));
        }
        RuntimeException failure = null;
        try {
            body.run(0, (int) ((long) n / parts));
        } catch (RuntimeException e) {
            failure = e;
        }
        for (Future<?> part : pending) {
            try {
                part.get();
            } catch (ExecutionException e) {
                failure = failure == null ? new IllegalStateException(e.getCause()) : failure;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while an operation ran", e);
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        if (workers != null) {
            workers.shutdownNow();
        }
    }
}
