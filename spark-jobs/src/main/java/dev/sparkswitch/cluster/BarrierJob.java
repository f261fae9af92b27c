package dev.sparkswitch.cluster;

import dev.sparkswitch.train.FailureKind;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.RankOutcome.Failure;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.SimpleFutureAction;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.resource.ResourceProfile;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction0;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;
import scala.util.Try;

/** One barrier job under way. Each rank's outcome is taken as it comes, so that the first cause is known at once. */
final class BarrierJob<R extends Serializable> {
    private static final long POLL_MILLIS = 50;
    private static final Duration CANCEL_WAIT = Duration.ofSeconds(5);

    private final int worldSize;
    private final ClusterOptions options;
    private final StatusListener progress;
    private final StatusAccumulator status;
    /** By rank; guarded by this. */
    private final List<RankOutcome<R>> outcomes;

    private long firstFailureNanos;

    /**
     * @param progress what the heartbeats bring
     * @param status where the same ends up once the ranks have ended
     */
    BarrierJob(int worldSize, ClusterOptions options, StatusListener progress, StatusAccumulator status) {
        this.status = status;
        this.worldSize = worldSize;
        this.options = options;
        this.progress = progress;
        this.outcomes = new ArrayList<>(Collections.nCopies(worldSize, null));
    }

    /** Runs {@code task} as a barrier stage and waits; how each rank ended. */
    List<RankOutcome<R>> run(
            JavaSparkContext spark, RankTask<R> task, ResourceProfile profile, Consumer<TrainingStatus> watcher) {
        SimpleFutureAction<BoxedUnit> future = submit(spark, task, profile);
        try {
            String cancelled = await(spark.sc(), future, watcher);
            return conclude(Optional.ofNullable(future.value().getOrElse(() -> null)), cancelled);
        } finally {
            if (!future.isCompleted()) {
                abandon(future);
            }
        }
    }

    /** Waits for the job, showing its progress; why it was cancelled, or null. */
    private String await(SparkContext spark, SimpleFutureAction<?> future, Consumer<TrainingStatus> watcher) {
        TrainingStatus shown = null;
        String cancelled = null;
        long cancelledAt = 0;
        long submitted = System.nanoTime();
        boolean started = false;
        boolean interrupted = false;
        while (!future.isCompleted() && (cancelled == null || !since(cancelledAt, CANCEL_WAIT))) {
            try {
                synchronized (this) {
                    wait(POLL_MILLIS);
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
            shown = show(shown, watcher);
            started = started || started(spark, future);
            if (cancelled == null) {
                cancelled = reasonToCancel(interrupted, !started && since(submitted, options.startWait()));
                if (cancelled != null) {
                    future.cancel(Option.apply(cancelled));
                    cancelledAt = System.nanoTime();
                }
            }
        }
        if (status.value() != null) {
            progress.offer(status.value());
        }
        show(shown, watcher);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return cancelled;
    }

    private String reasonToCancel(boolean interrupted, boolean late) {
        if (interrupted) {
            return "the driver was interrupted";
        }
        if (late) {
            return "it did not start within " + options.startWait().toSeconds() + " s; the executors are busy or gone";
        }
        return failedLongAgo()
                ? "it did not end within " + options.failureWait().toSeconds() + " s after another rank had failed"
                : null;
    }

    /**
     * Keeps cancelling. Spark does not cancel a barrier job that it has put off because there are too few slots, and
     * would start it whenever there are.
     */
    private static void abandon(SimpleFutureAction<?> future) {
        Thread thread = new Thread(
                () -> {
                    while (!future.isCompleted()) {
                        future.cancel();
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS));
                    }
                },
                "abandoned-barrier-job");
        thread.setDaemon(true);
        thread.start();
    }

    private SimpleFutureAction<BoxedUnit> submit(JavaSparkContext spark, RankTask<R> task, ResourceProfile profile) {
        List<Integer> ranks = IntStream.range(0, worldSize).boxed().toList();
        RDD<Integer> places = spark.parallelize(ranks, worldSize).rdd();
        ClassTag<RankOutcome<R>> tag = ClassTag$.MODULE$.apply(RankOutcome.class);
        RDD<RankOutcome<R>> stage = (profile == null ? places : places.withResources(profile))
                .barrier()
                .mapPartitions(task, false, tag);
        return spark.sc()
                .submitJob(
                        stage,
                        new OutcomeBytes<R>(),
                        CollectionConverters.asScala(new ArrayList<Object>(ranks))
                                .toSeq(),
                        new AbstractFunction2<Object, byte[], BoxedUnit>() {
                            @Override
                            public BoxedUnit apply(Object rank, byte[] outcome) {
                                take(OutcomeBytes.parse(outcome));
                                return BoxedUnit.UNIT;
                            }
                        },
                        new AbstractFunction0<BoxedUnit>() {
                            @Override
                            public BoxedUnit apply() {
                                return BoxedUnit.UNIT;
                            }
                        });
    }

    private synchronized void take(RankOutcome<R> outcome) {
        outcomes.set(outcome.rank(), outcome);
        if (outcome instanceof Failure<R> && firstFailureNanos == 0) {
            firstFailureNanos = System.nanoTime();
        }
        notifyAll();
    }

    private synchronized boolean failedLongAgo() {
        return firstFailureNanos != 0 && since(firstFailureNanos, options.failureWait());
    }

    private static boolean since(long nanos, Duration wait) {
        return System.nanoTime() - nanos > wait.toNanos();
    }

    private static boolean started(SparkContext spark, SimpleFutureAction<?> future) {
        for (Object job : CollectionConverters.asJava(future.jobIds())) {
            var information = spark.statusTracker().getJobInfo((Integer) job);
            if (information.isDefined()) {
                for (int stage : information.get().stageIds()) {
                    var known = spark.statusTracker().getStageInfo(stage);
                    if (known.isDefined()
                            && known.get().numActiveTasks() + known.get().numCompletedTasks() > 0) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    private TrainingStatus show(TrainingStatus shown, Consumer<TrainingStatus> watcher) {
        TrainingStatus furthest = progress.furthest();
        if (furthest != null && !furthest.equals(shown)) {
            watcher.accept(furthest);
        }
        return furthest;
    }

    /** Gives every rank an outcome: those that said nothing were lost, or stopped because of the others. */
    private synchronized List<RankOutcome<R>> conclude(Optional<Try<BoxedUnit>> end, String cancelled) {
        Throwable failure =
                end.filter(Try::isFailure).map(known -> known.failed().get()).orElse(null);
        Optional<LostRank> lost =
                failure == null ? Optional.empty() : LostRank.in(String.valueOf(failure.getMessage()));
        Optional<Failure<R>> known = RankOutcome.rootCause(
                outcomes.stream().filter(outcome -> outcome != null).toList());
        for (int rank = 0; rank < worldSize; rank++) {
            if (outcomes.get(rank) != null) {
                continue;
            }
            outcomes.set(rank, unheard(rank, failure, cancelled, lost, known));
        }
        return List.copyOf(outcomes);
    }

    private Failure<R> unheard(
            int rank, Throwable failure, String cancelled, Optional<LostRank> lost, Optional<Failure<R>> known) {
        if (lost.isPresent() && (lost.get().rank() == rank || lost.get().rank() < 0)) {
            return new Failure<>(rank, FailureKind.RESOURCE, lost.get().message(), "", rank);
        }
        if (lost.isPresent()) {
            String message = "rank " + rank + " was stopped: " + lost.get().message();
            return new Failure<>(
                    rank, FailureKind.RESOURCE, message, "", lost.get().rank());
        }
        if (cancelled != null) {
            String message = "rank " + rank + " was cancelled: " + cancelled;
            return new Failure<>(
                    rank,
                    FailureKind.RESOURCE,
                    message,
                    "",
                    known.map(Failure::rank).orElse(rank));
        }
        if (failure == null) {
            return new Failure<>(rank, FailureKind.INTERNAL, "rank " + rank + " ended without an outcome", "", rank);
        }
        return refused(rank, failure);
    }

    /** Spark could not run the job: too few slots after all, a body that does not serialize, a lost session. */
    private Failure<R> refused(int rank, Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        boolean slots = message.contains("barrier") && message.contains("slots");
        Failure<R> plain = RankOutcome.failure(rank, failure);
        return slots ? new Failure<>(rank, FailureKind.RESOURCE, plain.message(), plain.stack(), rank) : plain;
    }
}
