package dev.sparkswitch.tests.jobs;

import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.scheduler.SparkListener;

/** Counts how often Spark starts in this JVM, where {@code spark.extraListeners} names it. */
public final class SparkStarts extends SparkListener {
    static final AtomicInteger COUNT = new AtomicInteger();

    public SparkStarts() {
        COUNT.incrementAndGet();
    }
}
