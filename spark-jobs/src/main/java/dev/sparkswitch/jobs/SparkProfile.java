package dev.sparkswitch.jobs;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import java.util.Optional;

/**
 * What a job asks of Spark where the person who started it named no cluster. A master other than {@code local[...]},
 * given to spark-submit or in Spark's own configuration, always wins.
 */
public sealed interface SparkProfile {
    /** Work on data: threads of this process do on a single host. */
    static SparkProfile data() {
        return new Data(0);
    }

    /** The same on so many threads, however many cores the host has. */
    static SparkProfile data(int threads) {
        return new Data(threads);
    }

    /**
     * Training: executors that are processes of their own, one rank in each, on this host.
     *
     * @param executors processes, at least 1
     * @param coresPerExecutor cores of each, at least 1
     * @param memoryPerExecutorMiB heap of each in MiB; the engine's memory outside the heap comes on top
     */
    static SparkProfile training(int executors, int coresPerExecutor, int memoryPerExecutorMiB) {
        return new Training(executors, coresPerExecutor, memoryPerExecutorMiB, Optional.empty());
    }

    /** Training as a run's settings want it. */
    static SparkProfile training(ClusterSettings cluster) {
        return training(cluster, Optional.empty());
    }

    /** Training as a run's settings want it, and as what its ranks need asks for. */
    static SparkProfile training(ClusterSettings cluster, Optional<ExecutorMemory> memory) {
        long mebibytes = cluster.memoryPerRank().bytes() >> 20;
        return new Training(
                cluster.ranks(), cluster.coresPerRank(), (int) Math.min(Integer.MAX_VALUE, mebibytes), memory);
    }

    /** The master to use where none was named. */
    String master();

    /** The file of defaults under {@code conf/spark} for {@link #master()}. */
    String file();

    /**
     * See {@link #data()}.
     *
     * @param threads 0 for one a core
     */
    record Data(int threads) implements SparkProfile {
        @Override
        public String master() {
            return threads == 0 ? "local[*]" : "local[" + threads + "]";
        }

        @Override
        public String file() {
            return "local.conf";
        }
    }

    /** See {@link #training(int, int, int)}. */
    record Training(int executors, int coresPerExecutor, int memoryPerExecutorMiB, Optional<ExecutorMemory> memory)
            implements SparkProfile {
        public Training {
            if (executors < 1 || coresPerExecutor < 1 || memoryPerExecutorMiB < 1) {
                throw new InternalException("A local cluster of " + executors + " executors with " + coresPerExecutor
                        + " cores and " + memoryPerExecutorMiB + " MiB each was asked for: all must be at least 1.");
            }
        }

        @Override
        public String master() {
            return "local-cluster[" + executors + "," + coresPerExecutor + "," + memoryPerExecutorMiB + "]";
        }

        @Override
        public String file() {
            return "local-cluster.conf";
        }
    }
}
