package dev.sparkswitch.collective;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs a piece of a test on every rank of a world at once. */
final class Ranks {
    private static final int GUARD_SECONDS = 30;

    private Ranks() {}

    /** What a rank does in a test. */
    interface Part {
        void run(HostCollectives collectives) throws Exception;
    }

    /** Runs {@code part} on each of {@code world}; what each threw, or null, in rank order. */
    static List<Throwable> failures(List<? extends HostCollectives> world, Part part) throws Exception {
        List<FutureTask<Void>> tasks = new ArrayList<>();
        for (HostCollectives collectives : world) {
            FutureTask<Void> task = new FutureTask<>(() -> {
                part.run(collectives);
                return null;
            });
            tasks.add(task);
            Thread thread = new Thread(task, "rank-" + collectives.rank());
            thread.setDaemon(true);
            thread.start();
        }
        List<Throwable> failures = new ArrayList<>();
        for (FutureTask<Void> task : tasks) {
            failures.add(outcome(task));
        }
        return failures;
    }

    /** Runs {@code part} on each of {@code world}; fails as the first rank that fails. */
    static void run(List<? extends HostCollectives> world, Part part) throws Exception {
        for (Throwable failure : failures(world, part)) {
            if (failure != null) {
                throw new AssertionError(failure);
            }
        }
    }

    private static Throwable outcome(FutureTask<Void> task) throws InterruptedException {
        try {
            task.get(GUARD_SECONDS, TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException e) {
            task.cancel(true);
            return new AssertionError("a rank hangs", e);
        }
    }

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
