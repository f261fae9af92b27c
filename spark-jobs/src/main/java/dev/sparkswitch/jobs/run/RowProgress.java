package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.Progress;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.Option;
import scala.collection.Iterator;

/** Shows rows as tasks count them: executors' heartbeats bring the counts of tasks that still run. */
final class RowProgress extends SparkListener {
    private final Progress progress;
    private final long accumulator;
    private final Map<Long, Long> rowsOfTask = new HashMap<>();

    /**
     * @param accumulator the id of the accumulator that counts rows
     */
    RowProgress(Progress progress, long accumulator) {
        this.progress = progress;
        this.accumulator = accumulator;
    }

    @Override
    public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate heartbeat) {
        heartbeat.accumUpdates().foreach(task -> {
            for (Iterator<AccumulableInfo> updates = task._4().iterator(); updates.hasNext(); ) {
                take((Long) task._1(), updates.next());
            }
            return null;
        });
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        for (Iterator<AccumulableInfo> updates = end.taskInfo().accumulables().iterator(); updates.hasNext(); ) {
            take(end.taskInfo().taskId(), updates.next());
        }
    }

    private synchronized void take(long task, AccumulableInfo info) {
        Option<Object> update = info.update();
        if (info.id() == accumulator && update.isDefined() && update.get() instanceof Long rows) {
            rowsOfTask.put(task, rows);
            long sum = 0;
            for (long count : rowsOfTask.values()) {
                sum += count;
            }
            progress.at(sum);
        }
    }
}
