package dev.sparkswitch.jobs.run;

import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.cluster.ClusterOptions;
import dev.sparkswitch.cluster.RankLauncher;
import java.time.Duration;
import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * The ranks of a run. Apart from {@link TrainingRun}, so that nothing of Spark is asked for where the ranks run in this process.
 *
 * @param launcher starts them
 * @param firstWait how long to wait for them at first
 * @param hadoop settings of Hadoop's file systems that they are given
 */
record Ranks(RankLauncher launcher, Duration firstWait, Map<String, String> hadoop) {
    /** Executors of Spark, which is started. */
    static Ranks inExecutors(TrainingRun.SparkSource source) {
        SparkSession spark = source.start();
        JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
        return new Ranks(
                new BarrierCluster(context, ClusterOptions.defaults()),
                BarrierCluster.registrationWait(context.getConf()),
                TrainingRun.hadoopSettings(spark));
    }
}
