package dev.sparkswitch.cluster;

import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.TrainingStatus;
import java.util.List;
import java.util.Optional;
import org.apache.spark.BarrierTaskContext;

/** A rank that is a task of a barrier stage. */
final class BarrierRankContext implements RankContext {
    private final BarrierTaskContext task;
    private final int attempt;
    private final byte[] secret;
    private final StatusAccumulator status;

    BarrierRankContext(BarrierTaskContext task, int attempt, byte[] secret, StatusAccumulator status) {
        this.task = task;
        this.attempt = attempt;
        this.secret = secret;
        this.status = status;
    }

    @Override
    public int rank() {
        return task.partitionId();
    }

    @Override
    public int worldSize() {
        return task.numPartitions();
    }

    @Override
    public int attempt() {
        return attempt;
    }

    @Override
    public byte[] secret() {
        return secret.clone();
    }

    /** The host by which this executor is known to Spark. */
    @Override
    public Optional<String> host() {
        String address = task.getTaskInfos()[task.partitionId()].address();
        int colon = address.lastIndexOf(':');
        return Optional.of(colon < 0 ? address : address.substring(0, colon));
    }

    @Override
    public List<String> allGather(String message) {
        return List.of(task.allGather(message));
    }

    @Override
    public void report(TrainingStatus reported) {
        status.add(reported);
    }
}
