package dev.sparkswitch.jobs.bench;

import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** The processor time of Spark's tasks alone, without the planning, compiling and collecting around them. */
final class TaskTime extends SparkListener implements AutoCloseable {
    private static final double NANOS = 1e9;

    private final SparkContext context;
    private final AtomicLong nanos = new AtomicLong();

    TaskTime(SparkContext context) {
        this.context = context;
        context.addSparkListener(this);
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        if (end.taskMetrics() != null) {
            nanos.addAndGet(end.taskMetrics().executorCpuTime());
        }
    }

    /** Seconds so far. */
    double seconds() {
        try {
            context.listenerBus().waitUntilEmpty();
        } catch (TimeoutException e) {
            throw new IllegalStateException("Spark's events do not arrive", e);
        }
        return nanos.get() / NANOS;
    }

    @Override
    public void close() {
        context.removeSparkListener(this);
    }
}
