package dev.sparkswitch.cluster;

import dev.sparkswitch.base.ResourceException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfileBuilder;
import org.apache.spark.resource.TaskResourceRequests;
import org.apache.spark.status.api.v1.ExecutorSummary;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The executors of a session that have nothing to do.
 *
 * @param count how many there are; with a local master, how many tasks fit into this process
 * @param fewestCores the cores of the smallest
 * @param mostCores the cores of the largest
 * @param busy how many others there are, with tasks on them
 */
record IdleExecutors(int count, int fewestCores, int mostCores, int busy) {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final String TASK_CPUS = "spark.task.cpus";
    private static final Pattern LOCAL_CLUSTER = Pattern.compile("local-cluster\\[\\s*([0-9]+).*");

    /** The executors that are there now. */
    static IdleExecutors of(SparkContext spark) {
        Set<String> alive =
                spark.isLocal() ? Set.of() : new HashSet<>(CollectionConverters.asJava(spark.getExecutorIds()));
        List<Integer> cores = new ArrayList<>();
        int busy = 0;
        for (ExecutorSummary executor :
                CollectionConverters.asJava(spark.statusStore().executorList(true))) {
            if (spark.isLocal()) {
                return new IdleExecutors(executor.maxTasks(), 1, 1, 0);
            }
            if (alive.contains(executor.id()) && executor.activeTasks() == 0) {
                cores.add(executor.totalCores());
            } else if (alive.contains(executor.id())) {
                busy++;
            }
        }
        int fewest = cores.stream().mapToInt(Integer::intValue).min().orElse(0);
        int most = cores.stream().mapToInt(Integer::intValue).max().orElse(0);
        return new IdleExecutors(cores.size(), fewest, most, busy);
    }

    /**
     * Waits until there are {@code wanted} executors, or as many as there can ever be, at most for {@code wait}; those that
     * are there then.
     */
    static IdleExecutors await(SparkContext spark, int wanted, Duration wait) {
        long deadline = System.nanoTime() + wait.toNanos();
        int possible = Math.min(wanted, most(spark));
        IdleExecutors executors = of(spark);
        while (executors.count < possible
                && System.nanoTime() < deadline
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(POLL.toNanos());
            executors = of(spark);
        }
        return executors;
    }

    /** The executors that a master on this host names; how many another one gives shows with time. */
    private static int most(SparkContext spark) {
        Matcher local = LOCAL_CLUSTER.matcher(spark.master());
        return local.matches() ? Integer.parseInt(local.group(1)) : spark.isLocal() ? 1 : Integer.MAX_VALUE;
    }

    /** Refuses a world that these executors cannot hold. */
    void require(int worldSize, SparkContext spark, Duration waited) {
        if (count < worldSize) {
            String remedy = spark.isLocal()
                    ? "use a master local[" + worldSize + "] or local-cluster[" + worldSize + ",1,1024]"
                    : "ask Spark for more (spark.executor.instances, spark.cores.max, workers)";
            throw new ResourceException(worldSize + " ranks were asked for, one an executor, but after "
                    + waited.toSeconds() + " s Spark has " + this + "; "
                    + (count > 0 ? "set ranks to " + count + " or " : "") + remedy);
        }
        if (mostCores >= 2 * fewestCores && !spark.isLocal()) {
            throw new ResourceException("the executors have between " + fewestCores + " and " + mostCores
                    + " cores, so that two ranks may share one; give them equal cores (spark.executor.cores)");
        }
    }

    /** The profile by which a task fills its executor, or null where every task does so already. */
    ResourceProfile profile(SparkContext spark) {
        SparkConf conf = spark.conf();
        if (spark.isLocal() || 2 * conf.getInt(TASK_CPUS, 1) > mostCores) {
            return null;
        }
        TaskResourceRequests requests = new TaskResourceRequests().cpus(fewestCores);
        // A profile replaces the session's own requests: what tasks take besides cores is asked for again.
        for (var setting : conf.getAllWithPrefix("spark.task.resource.")) {
            if (setting._1().endsWith(".amount")) {
                String name = setting._1().substring(0, setting._1().length() - ".amount".length());
                requests.resource(name, Double.parseDouble(setting._2()));
            }
        }
        return new ResourceProfileBuilder().require(requests).build();
    }

    @Override
    public String toString() {
        String cores = fewestCores == mostCores ? "" + fewestCores : fewestCores + " to " + mostCores;
        return count
                + (count == 1 ? " executor" : " executors")
                + (count == 0
                        ? ""
                        : " of " + cores + (mostCores == 1 ? " core" : " cores") + (count == 1 ? "" : " each"))
                + (busy == 0 ? "" : " and " + busy + " busy with other tasks");
    }
}
