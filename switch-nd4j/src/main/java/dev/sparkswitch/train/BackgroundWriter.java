package dev.sparkswitch.train;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Does one piece of work at a time beside the training thread, which learns of its failure when it looks. */
final class BackgroundWriter implements AutoCloseable {
    private final ExecutorService thread;
    private final Duration patience;
    private Future<?> work;

    /** @param patience how long closing waits for work under way */
    BackgroundWriter(String name, Duration patience) {
        this.patience = patience;
        this.thread = Executors.newSingleThreadExecutor(task -> {
            Thread writer = new Thread(task, name);
            writer.setDaemon(true);
            return writer;
        });
    }

    /** Starts {@code task}; what was started before must be {@linkplain #await over}. */
    void start(Runnable task) {
        if (work != null) {
            throw new IllegalStateException("the work before was not awaited");
        }
        work = thread.submit(task);
    }

    /** Fails as the work did, where it is over and failed; does not wait. */
    void check() {
        if (work != null && work.isDone()) {
            await();
        }
    }

    /** Waits for the work, if there is any, and fails as it did. */
    void await() {
        if (work == null) {
            return;
        }
        try {
            work.get();
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ResourceException("this rank was interrupted while it waited for its checkpoint", e);
        } finally {
            work = null;
        }
    }

    private static RuntimeException failure(Throwable cause) {
        if (cause instanceof SparkSwitchException known) {
            return known;
        }
        if (cause instanceof OutOfMemoryError) {
            return new ResourceException("a checkpoint could not be written: " + cause.getMessage(), cause);
        }
        return new InternalException("a checkpoint could not be written: " + cause, cause);
    }

    /** Lets work under way end for a moment, then interrupts it. */
    @Override
    public void close() {
        thread.shutdown();
        try {
            if (!thread.awaitTermination(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                thread.shutdownNow();
            }
        } catch (InterruptedException e) {
            thread.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }
}
