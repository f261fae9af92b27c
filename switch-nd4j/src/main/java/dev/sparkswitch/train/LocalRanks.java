package dev.sparkswitch.train;

import dev.sparkswitch.collective.CollectiveException;
import java.io.Serializable;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** Runs the ranks of a world as threads of this JVM: for tests, and for a host without Spark. */
public final class LocalRanks {
    private static final int SECRET_BYTES = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private LocalRanks() {}

    /**
     * Runs {@code body} once a rank and waits for all of them.
     *
     * @param progress told what the ranks report, on their threads, one at a time
     * @return how each rank ended, in rank order
     */
    public static <R extends Serializable> List<RankOutcome<R>> run(
            int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
        Meeting meeting = new Meeting(worldSize, progress);
        byte[] secret = new byte[SECRET_BYTES];
        RANDOM.nextBytes(secret);
        List<RankOutcome<R>> outcomes = new ArrayList<>(Collections.nCopies(worldSize, null));
        List<Thread> threads = new ArrayList<>(worldSize);
        for (int rank = 0; rank < worldSize; rank++) {
            int self = rank;
            LocalContext context = new LocalContext(self, worldSize, attempt, secret, meeting);
            Thread thread = new Thread(
                    () -> {
                        RankOutcome<R> outcome = runRank(body, context);
                        synchronized (outcomes) {
                            outcomes.set(self, outcome);
                        }
                    },
                    "rank-" + rank);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
        join(threads);
        synchronized (outcomes) {
            return List.copyOf(outcomes);
        }
    }

    private static <R extends Serializable> RankOutcome<R> runRank(RankBody<R> body, LocalContext context) {
        try {
            R value = body.run(context);
            context.meeting.leave(context.rank, null);
            return new RankOutcome.Success<>(context.rank, value);
        } catch (Exception | Error e) {
            context.meeting.leave(context.rank, e);
            return RankOutcome.failure(context.rank, e);
        }
    }

    /** Waits for every rank; an interrupt is handed on to them and stays set. */
    private static void join(List<Thread> threads) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                    threads.forEach(Thread::interrupt);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private record LocalContext(int rank, int worldSize, int attempt, byte[] secret, Meeting meeting)
            implements RankContext {
        @Override
        public List<String> allGather(String message) {
            return meeting.gather(rank, message);
        }

        @Override
        public void report(TrainingStatus status) {
            meeting.report(status);
        }

        @Override
        public String toString() {
            return "rank " + rank + " of " + worldSize + ", attempt " + attempt;
        }
    }

    /** Where the ranks hand over their messages; a rank that is gone ends the waiting of the others. */
    private static final class Meeting {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition changed = lock.newCondition();
        private final Consumer<TrainingStatus> progress;
        private final boolean[] gone;
        private String[] messages;
        private int arrived;
        private CollectiveException failure;

        private Meeting(int worldSize, Consumer<TrainingStatus> progress) {
            this.progress = progress;
            this.gone = new boolean[worldSize];
            this.messages = new String[worldSize];
        }

        private List<String> gather(int rank, String message) {
            lock.lock();
            try {
                String[] round = messages;
                round[rank] = message;
                arrived++;
                if (arrived == round.length) {
                    messages = new String[round.length];
                    arrived = 0;
                    changed.signalAll();
                }
                while (messages == round) {
                    checkPresent(rank);
                    changed.await();
                }
                return Arrays.asList(round);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CollectiveException(rank, "rank " + rank + " was interrupted while it met the others", e);
            } finally {
                lock.unlock();
            }
        }

        private void checkPresent(int rank) {
            if (failure != null) {
                throw new CollectiveException(failure.failedRank(), failure.getMessage(), failure);
            }
            for (int other = 0; other < gone.length; other++) {
                if (gone[other] && messages[other] == null) {
                    throw new CollectiveException(
                            other, "rank " + other + " has ended while rank " + rank + " waits to meet it", null);
                }
            }
        }

        private void leave(int rank, Throwable cause) {
            lock.lock();
            try {
                gone[rank] = true;
                if (cause != null && failure == null) {
                    failure = cause instanceof CollectiveException known
                            ? known
                            : new CollectiveException(rank, "rank " + rank + " failed: " + cause, cause);
                }
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        private void report(TrainingStatus status) {
            lock.lock();
            try {
                progress.accept(status);
            } finally {
                lock.unlock();
            }
        }
    }
}
