package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Progress;
import java.util.function.Supplier;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;

/** Runs a job's steps, one Spark action each, and shows how far each is by its finished tasks. */
final class Steps {
    private final SparkSession spark;
    private final String job;

    /** A session of its own for {@code job}: without adaptive execution an action is one Spark job. */
    static Steps of(SparkSession spark, String job, int partitions) {
        SparkSession own = spark.newSession();
        own.conf().set("spark.sql.adaptive.enabled", "false");
        own.conf().set("spark.sql.shuffle.partitions", Integer.toString(partitions));
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

    /** Runs {@code action}, which is to start one Spark job. */
    <T> T run(String step, Supplier<T> action) {
        SparkContext context = spark.sparkContext();
        try (Watch watch = new Watch(job + ": " + step)) {
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
    private static final class Watch extends SparkListener implements AutoCloseable {
        private final String stage;
        private Progress progress;
        private long tasks;

        Watch(String stage) {
            this.stage = stage;
        }

        @Override
        public synchronized void onJobStart(SparkListenerJobStart start) {
            if (progress == null) {
                for (int i = 0; i < start.stageInfos().size(); i++) {
                    tasks += start.stageInfos().apply(i).numTasks();
                }
                progress = Progress.start(stage, "tasks", tasks);
            }
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
            if (progress != null) {
                progress.advance(1);
            }
        }

        /** The last events may still be on their way, and stages whose results were there already send none. */
        synchronized void succeeded() {
            if (progress != null) {
                progress.at(tasks);
            }
        }

        @Override
        public synchronized void close() {
            if (progress != null) {
                progress.close();
            }
        }
    }
}
