package dev.sparkswitch.cluster;

import java.time.Duration;

/**
 * How long a {@link BarrierCluster} waits for what.
 *
 * @param executorWait for executors to register before a job that needs them is refused
 * @param startWait for a job's ranks to start
 * @param failureWait for the other ranks to end by themselves once one has failed, before they are cancelled
 */
public record ClusterOptions(Duration executorWait, Duration startWait, Duration failureWait) {
    /** Ten seconds, one minute, five seconds. */
    public static ClusterOptions defaults() {
        return new ClusterOptions(Duration.ofSeconds(10), Duration.ofMinutes(1), Duration.ofSeconds(5));
    }
}
