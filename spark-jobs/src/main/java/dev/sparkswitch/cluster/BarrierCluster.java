package dev.sparkswitch.cluster;

import dev.sparkswitch.base.UserException;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Runs ranks as the tasks of a barrier stage, one an executor: a task takes all cores of its executor. With a local
 * master, ranks are threads of the driver.
 *
 * <p>Each run has a secret of its own, which travels to the executors inside the task as Spark sends it: encrypted where
 * Spark's network encryption is on, in which case the ranks' own connections must be so too ({@link TransportEncryption}).
 */
public final class BarrierCluster implements RankLauncher {
    private static final int SECRET_BYTES = 32;
    private static final String DESCRIPTION = "spark.job.description";
    private static final String INTERRUPT = "spark.job.interruptOnCancel";

    private final JavaSparkContext spark;
    private final ClusterOptions options;

    public BarrierCluster(JavaSparkContext spark, ClusterOptions options) {
        this.spark = spark;
        this.options = options;
    }

    /**
     * Runs {@code body} on {@code worldSize} ranks, with the default {@link ClusterOptions}.
     *
     * @see RankLauncher#run
     */
    public static <R extends Serializable> List<RankOutcome<R>> run(
            JavaSparkContext spark, int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
        return new BarrierCluster(spark, ClusterOptions.defaults()).run(worldSize, attempt, body, progress);
    }

    /**
     * Sets what a session that trains should have, where nothing else is set: heartbeats of one second, which bring the
     * progress, and an executor given up after a minute without one instead of up to three; no speculation; tasks that do not heed their end are ended with their executor; a barrier stage without
     * enough executors is looked at every second instead of every fifteen.
     */
    public static SparkConf configure(SparkConf conf) {
        return conf.setIfMissing("spark.executor.heartbeatInterval", "1s")
                .setIfMissing("spark.storage.blockManagerHeartbeatTimeoutMs", "60s")
                .setIfMissing("spark.network.timeoutInterval", "5s")
                .setIfMissing("spark.speculation", "false")
                .setIfMissing("spark.task.reaper.enabled", "true")
                .setIfMissing("spark.task.reaper.killTimeout", "60s")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "1s")
                .setIfMissing("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "10");
    }

    /** How long executors of this session may take to register: as long as Spark itself would wait for them. */
    public static Duration registrationWait(SparkConf conf) {
        return Duration.ofSeconds(conf.getTimeAsSeconds("spark.scheduler.maxRegisteredResourcesWaitingTime", "30s"));
    }

    @Override
    public int awaitRanks(int wanted, Duration wait) {
        return IdleExecutors.await(spark.sc(), wanted, wait).count();
    }

    @Override
    public String describe() {
        return IdleExecutors.of(spark.sc()).toString();
    }

    /**
     * {@inheritDoc}
     *
     * @throws dev.sparkswitch.base.ResourceException if there are fewer executors than ranks
     * @throws UserException if Spark is set to do what barrier stages do not go with
     */
    @Override
    public <R extends Serializable> List<RankOutcome<R>> run(
            int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
        SparkContext context = spark.sc();
        refuse(context.conf(), "spark.dynamicAllocation.enabled");
        refuse(context.conf(), "spark.speculation");
        if (worldSize > 1) {
            TransportEncryption.require(context.conf());
        }
        IdleExecutors executors = IdleExecutors.await(context, worldSize, options.executorWait());
        executors.require(worldSize, context, options.executorWait());

        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        StatusAccumulator status = new StatusAccumulator();
        context.register(status, "training status");
        StatusListener listener = new StatusListener(status.id());
        context.addSparkListener(listener);
        String description = spark.getLocalProperty(DESCRIPTION);
        String interrupt = spark.getLocalProperty(INTERRUPT);
        try {
            spark.setLocalProperty(DESCRIPTION, worldSize + " ranks, attempt " + (attempt + 1));
            spark.setLocalProperty(INTERRUPT, "true");
            return new BarrierJob<R>(worldSize, options, listener, status)
                    .run(spark, new RankTask<>(body, attempt, secret, status), executors.profile(context), progress);
        } finally {
            spark.setLocalProperty(DESCRIPTION, description);
            spark.setLocalProperty(INTERRUPT, interrupt);
            context.removeSparkListener(listener);
        }
    }

    private static void refuse(SparkConf conf, String key) {
        if (conf.getBoolean(key, false)) {
            throw new UserException(key + "=true does not go with training, which needs all its executors from the"
                    + " beginning to the end; set it to false");
        }
    }
}
