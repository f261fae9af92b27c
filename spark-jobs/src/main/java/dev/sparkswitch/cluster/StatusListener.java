package dev.sparkswitch.cluster;

import dev.sparkswitch.train.TrainingStatus;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import scala.collection.Iterator;

/** Takes the status out of the executors' heartbeats: Spark merges an accumulator only when its task has ended. */
final class StatusListener extends SparkListener {
    private final long accumulator;
    private final AtomicReference<TrainingStatus> furthest = new AtomicReference<>();

    /** @param accumulator the id of the {@link StatusAccumulator} */
    StatusListener(long accumulator) {
        this.accumulator = accumulator;
    }

    @Override
    public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate heartbeat) {
        heartbeat.accumUpdates().foreach(task -> {
            for (Iterator<AccumulableInfo> updates = task._4().iterator(); updates.hasNext(); ) {
                AccumulableInfo update = updates.next();
                if (update.id() == accumulator
                        && update.update().isDefined()
                        && update.update().get() instanceof TrainingStatus status) {
                    offer(status);
                }
            }
            return null;
        });
    }

    void offer(TrainingStatus status) {
        furthest.accumulateAndGet(status, (known, met) -> known == null || met.step() >= known.step() ? met : known);
    }

    /** The status that is furthest, or null. */
    TrainingStatus furthest() {
        return furthest.get();
    }
}
