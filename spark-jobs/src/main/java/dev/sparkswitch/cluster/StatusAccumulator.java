package dev.sparkswitch.cluster;

import dev.sparkswitch.train.TrainingStatus;
import org.apache.spark.util.AccumulatorV2;

/** Carries the status that has come furthest from the ranks to the driver; Spark's heartbeats bring it along. */
final class StatusAccumulator extends AccumulatorV2<TrainingStatus, TrainingStatus> {
    private static final long serialVersionUID = 1L;

    /** Written by the rank's thread while the heartbeat's thread reads it. */
    @SuppressWarnings("serial")
    private volatile TrainingStatus status;

    @Override
    public boolean isZero() {
        return status == null;
    }

    @Override
    public StatusAccumulator copy() {
        StatusAccumulator copy = new StatusAccumulator();
        copy.status = status;
        return copy;
    }

    @Override
    public void reset() {
        status = null;
    }

    @Override
    public void add(TrainingStatus reported) {
        status = reported;
    }

    @Override
    public void merge(AccumulatorV2<TrainingStatus, TrainingStatus> other) {
        TrainingStatus theirs = other.value();
        if (theirs != null && (status == null || theirs.step() > status.step())) {
            status = theirs;
        }
    }

    /** The status, or null before the first. */
    @Override
    public TrainingStatus value() {
        return status;
    }
}
