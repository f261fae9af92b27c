package dev.sparkswitch.tests.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.cluster.ClusterOptions;
import dev.sparkswitch.train.RankOutcome.Success;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One executor with two cores and a GPU that a script pretends: a single rank takes all of it. */
class WideExecutorTest {
    private static final ClusterOptions IMPATIENT =
            new ClusterOptions(Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofSeconds(1));

    @TempDir
    Path folder;

    @Test
    void aRankTakesItsWholeExecutor() throws Exception {
        Path script = Files.writeString(
                folder.resolve("gpus.sh"), "#!/bin/sh\necho '{\"name\":\"gpu\",\"addresses\":[\"7\"]}'\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        SparkConf conf = BarrierCluster.configure(SparkHome.localCluster(1, 2));
        for (String owner : List.of("worker", "executor")) {
            conf.set("spark." + owner + ".resource.gpu.amount", "1");
            conf.set("spark." + owner + ".resource.gpu.discoveryScript", script.toString());
        }
        conf.set("spark.task.resource.gpu.amount", "1");
        try (JavaSparkContext spark = new JavaSparkContext(conf)) {
            BarrierCluster cluster = new BarrierCluster(spark, ClusterOptions.defaults());
            assertThat(cluster.run(1, 0, context -> resources(), status -> {}))
                    .containsExactly(new Success<>(0, "2 cores, GPU 7"));
            assertThatThrownBy(() -> new BarrierCluster(spark, IMPATIENT).run(2, 0, context -> "", status -> {}))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("Spark has 1 executor of 2 cores; set ranks to 1 or ask Spark for more");
        }
    }

    private static String resources() {
        TaskContext task = TaskContext.get();
        return task.cpus() + " cores, GPU "
                + String.join(",", task.resourcesJMap().get("gpu").addresses());
    }

    @Test
    void settingsThatDoNotGoWithBarrierStagesAreRefused() {
        SparkConf conf = new SparkConf(false)
                .setMaster("local[1]")
                .setAppName("refused")
                .set("spark.ui.enabled", "false")
                .set("spark.speculation", "true");
        try (JavaSparkContext spark = new JavaSparkContext(conf)) {
            assertThatThrownBy(() -> BarrierCluster.run(spark, 1, 0, context -> "", status -> {}))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("spark.speculation=true");
        }
    }

    @Test
    void withALocalMasterRanksAreThreadsOfTheDriver() {
        SparkConf conf =
                new SparkConf(false).setMaster("local[2]").setAppName("threads").set("spark.ui.enabled", "false");
        try (JavaSparkContext spark = new JavaSparkContext(conf)) {
            assertThat(BarrierCluster.run(
                            spark,
                            2,
                            0,
                            context -> String.join(" ", context.allGather("" + context.rank())),
                            status -> {}))
                    .containsExactly(new Success<>(0, "0 1"), new Success<>(1, "0 1"));
            assertThatThrownBy(() -> new BarrierCluster(spark, IMPATIENT).run(3, 0, context -> "", status -> {}))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("set ranks to 2 or use a master local[3]");
        }
    }
}
