package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Progress;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;
import scala.Option;
import scala.collection.Iterator;

/** Runs a job's steps, one Spark action each, and shows how far each is by its finished tasks. */
final class Steps {
    /** Packed bytes of a corpus that a task reads: about a file. */
    private static final int READ_AT_ONCE = 32 << 20;

    private final SparkSession spark;
    private final String job;

    /** A session of its own for {@code job}: without adaptive execution an action is one Spark job. */
    static Steps of(SparkSession spark, String job, int partitions) {
        SparkSession own = spark.newSession();
        own.conf().set("spark.sql.adaptive.enabled", "false");
        own.conf().set("spark.sql.shuffle.partitions", Integer.toString(partitions));
        own.conf().set("spark.sql.files.maxPartitionBytes", Integer.toString(READ_AT_ONCE));
        return new Steps(own, job);
    }

    private Steps(SparkSession spark, String job) {
        this.spark = spark;
        this.job = job;
    }

    SparkSession spark() {
        return spark;
    }

    /** Enough partitions to keep every core busy to the end. */
    static int partitions(SparkSession spark, int wanted) {
        return wanted > 0 ? wanted : Math.max(8, 4 * spark.sparkContext().defaultParallelism());
    }

    /**
     * What a step's tasks count as they go.
     *
     * @param done how many are done
     * @param total how many there are, 0 if unknown
     * @param unit what is counted, in the plural
     */
    record Count(LongAccumulator done, long total, String unit) {}

    /** Runs {@code action}, which is to start one Spark job; shows how many tasks are finished. */
    <T> T run(String step, Supplier<T> action) {
        return watched(new Watch(job + ": " + step, Optional.empty()), action);
    }

    /** The same, with what the tasks count in place of the tasks. */
    <T> T run(String step, Count count, Supplier<T> action) {
        return watched(new Watch(job + ": " + step, Optional.of(count)), action);
    }

    /**
     * As the first, and shows how many rows come a second and how many of them go.
     *
     * @param rows counts rows as they come
     * @param dropped counts those that are dropped
     */
    <T> T run(String step, LongAccumulator rows, LongAccumulator dropped, Supplier<T> action) {
        return watched(new RowWatch(job + ": " + step, rows.id(), dropped.id()), action);
    }

    private <T> T watched(Watch watching, Supplier<T> action) {
        SparkContext context = spark.sparkContext();
        try (Watch watch = watching) {
            context.addSparkListener(watch);
            try {
                T result = action.get();
                watch.succeeded();
                return result;
            } finally {
                context.removeSparkListener(watch);
            }
        }
    }

    /** Counts the tasks of the Spark job that starts next; events come from Spark's listener thread. */
    private static class Watch extends SparkListener implements AutoCloseable {
        private final String stage;
        private final Optional<Count> count;
        Progress progress;
        private long tasks;

        Watch(String stage, Optional<Count> count) {
            this.stage = stage;
            this.count = count;
        }

        @Override
        public synchronized void onJobStart(SparkListenerJobStart start) {
            if (progress == null) {
                for (int i = 0; i < start.stageInfos().size(); i++) {
                    tasks += start.stageInfos().apply(i).numTasks();
                }
                progress = count.isPresent()
                        ? Progress.start(stage, count.get().unit(), count.get().total())
                        : Progress.start(stage, "tasks", tasks);
            }
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
            if (progress != null && count.isPresent()) {
                progress.at(count.get().done().value());
            } else if (progress != null) {
                progress.advance(1);
            }
        }

        /** The last events may still be on their way, and stages whose results were there already send none. */
        synchronized void succeeded() {
            if (progress != null) {
                progress.at(count.isPresent() ? count.get().done().value() : tasks);
            }
        }

        @Override
        public synchronized void close() {
            if (progress != null) {
                progress.close();
            }
        }
    }

    /** Shows rows too, as tasks count them: heartbeats bring the counts of tasks that still run. */
    private static final class RowWatch extends Watch {
        private final long rowsId;
        private final long droppedId;
        private final Map<Long, long[]> countsOfTask = new HashMap<>();
        private final long began = System.nanoTime();

        RowWatch(String stage, long rowsId, long droppedId) {
            super(stage, Optional.empty());
            this.rowsId = rowsId;
            this.droppedId = droppedId;
        }

        @Override
        public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate heartbeat) {
            heartbeat.accumUpdates().foreach(task -> {
                for (Iterator<AccumulableInfo> updates = task._4().iterator(); updates.hasNext(); ) {
                    take((Long) task._1(), updates.next());
                }
                return null;
            });
            show();
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
            for (Iterator<AccumulableInfo> updates =
                            end.taskInfo().accumulables().iterator();
                    updates.hasNext(); ) {
                take(end.taskInfo().taskId(), updates.next());
            }
            show();
            super.onTaskEnd(end);
        }

        private synchronized void take(long task, AccumulableInfo info) {
            Option<Object> update = info.update();
            if (update.isEmpty() || !(update.get() instanceof Long count)) {
                return;
            }
            if (info.id() == rowsId || info.id() == droppedId) {
                countsOfTask.computeIfAbsent(task, id -> new long[2])[info.id() == rowsId ? 0 : 1] = count;
            }
        }

        private synchronized void show() {
            long rows = 0;
            long dropped = 0;
            for (long[] counts : countsOfTask.values()) {
                rows += counts[0];
                dropped += counts[1];
            }
            if (progress != null && rows > 0) {
                double seconds = (System.nanoTime() - began) / 1e9;
                progress.detail(String.format(
                        Locale.ROOT, "%,.0f rows/s, %.1f%% dropped", rows / seconds, 100.0 * dropped / rows));
            }
        }
    }
}
