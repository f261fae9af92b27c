package dev.sparkswitch.tests.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.cluster.AttemptLoop;
import dev.sparkswitch.cluster.AttemptOptions;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.cluster.ClusterOptions;
import dev.sparkswitch.collective.HostCollectives;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.train.FailureKind;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.RankOutcome.Failure;
import dev.sparkswitch.train.RankOutcome.Success;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Ranks in executors that are processes of their own. One cluster for all tests; the one that kills comes last. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class BarrierClusterTest {
    private static final RankGroup BOTH = RankGroup.world(2);
    private static JavaSparkContext spark;

    /** What the ranks of a test do with their collectives; a failure is told to the others, as the trainer does. */
    private interface Part<R extends Serializable> extends Serializable {
        R run(RankContext context, HostCollectives collectives) throws Exception;
    }

    @BeforeAll
    static void start() throws Exception {
        spark = new JavaSparkContext(BarrierCluster.configure(SparkHome.localCluster(2, 1)));
    }

    @AfterAll
    static void stop() {
        spark.stop();
    }

    private static <R extends Serializable> RankBody<R> connected(Part<R> part) {
        return context -> {
            try (NettyCollectives collectives = NettyCollectives.connect(context, NettyOptions.defaults())) {
                try {
                    return part.run(context, collectives);
                } catch (Exception | Error e) {
                    collectives.abort(e);
                    throw e;
                }
            }
        };
    }

    private static ByteBuffer doubles(int count, double value) {
        ByteBuffer data = ByteBuffer.allocateDirect(count * Double.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            data.putDouble(i * Double.BYTES, value);
        }
        return data;
    }

    @Test
    @Order(1)
    void twoExecutorsSumOverTheNetwork() {
        List<RankOutcome<String>> outcomes = BarrierCluster.run(
                spark,
                2,
                0,
                connected((context, collectives) -> {
                    ByteBuffer data = doubles(100_000, 1 + context.rank());
                    collectives.allReduceSum(data, DType.FLOAT64, BOTH);
                    return data.getDouble(99_999 * Double.BYTES) + " "
                            + SparkEnv.get().executorId().equals("driver");
                }),
                status -> {});
        assertThat(outcomes).containsExactly(new Success<>(0, "3.0 false"), new Success<>(1, "3.0 false"));
    }

    @Test
    @Order(2)
    void eachRankHasAnExecutorOfItsOwn() {
        List<RankOutcome<Long>> outcomes = BarrierCluster.run(
                spark, 2, 0, context -> ProcessHandle.current().pid(), status -> {});
        assertThat(outcomes.stream()
                        .map(outcome -> ((Success<Long>) outcome).value())
                        .distinct())
                .hasSize(2)
                .doesNotContain(ProcessHandle.current().pid());
    }

    @Test
    @Order(3)
    void progressReachesTheDriverWhileTheRanksRun() {
        List<TrainingStatus> seen = new ArrayList<>();
        TrainingStatus first = new TrainingStatus(7, 10, 2.5, Double.NaN, 1000, 0.1);
        TrainingStatus last = new TrainingStatus(10, 10, 2.0, 2.1, 1000, 0.1);
        List<RankOutcome<Boolean>> outcomes = BarrierCluster.run(
                spark,
                2,
                0,
                context -> {
                    if (context.rank() == 0) {
                        context.report(first);
                    }
                    context.allGather("meets take a second, a heartbeat as long");
                    context.allGather("again");
                    context.allGather("and again");
                    if (context.rank() == 0) {
                        context.report(last);
                    }
                    return true;
                },
                seen::add);
        assertThat(outcomes).allMatch(outcome -> outcome instanceof Success);
        assertThat(seen).containsExactly(first, last);
    }

    @Test
    @Order(4)
    void aRanksFailureReachesTheDriverWithItsCauseAndIsNotTriedAgain() {
        List<RankOutcome<String>> outcomes = new ArrayList<>();
        RankBody<String> body = connected((context, collectives) -> {
            collectives.barrier(BOTH);
            if (context.rank() == 1) {
                throw new UserException("shard 3 is not there; run batch");
            }
            collectives.allReduceSum(doubles(1_000_000, 1), DType.FLOAT64, BOTH);
            return "attempt " + context.attempt();
        });
        outcomes.addAll(BarrierCluster.run(spark, 2, 0, body, status -> {}));
        assertThat(outcomes.get(1)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.kind()).isEqualTo(FailureKind.USER);
            assertThat(failure.message()).isEqualTo("shard 3 is not there; run batch");
            assertThat(failure.consequence()).isFalse();
        });
        assertThat(outcomes.get(0)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.message()).contains("rank 1 failed: UserException: shard 3 is not there");
            assertThat(failure.failedRank()).isEqualTo(1);
        });
        AttemptLoop loop = new AttemptLoop(
                new BarrierCluster(spark, ClusterOptions.defaults()), AttemptOptions.of(2), ranks -> true);
        assertThatThrownBy(() -> loop.run(body, status -> {}))
                .isInstanceOf(UserException.class)
                .hasMessage("shard 3 is not there; run batch");
    }

    @Test
    @Order(5)
    void aRankThatFailsBeforeTheyMeetDoesNotLeaveTheOtherWaiting() {
        ClusterOptions impatient =
                new ClusterOptions(Duration.ofSeconds(10), Duration.ofMinutes(1), Duration.ofSeconds(1));
        List<RankOutcome<String>> outcomes = new BarrierCluster(spark, impatient)
                .run(
                        2,
                        0,
                        context -> {
                            if (context.rank() == 0) {
                                throw new UserException("no vocabulary");
                            }
                            return context.allGather("hello").toString();
                        },
                        status -> {});
        assertThat(RankOutcome.rootCause(outcomes))
                .hasValueSatisfying(root -> assertThat(root.message()).isEqualTo("no vocabulary"));
        assertThat(outcomes.get(1)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.consequence()).isTrue();
            assertThat(failure.message()).contains("rank 1 was cancelled");
        });
    }

    @Test
    @Order(6)
    void moreRanksThanExecutorsAreRefusedInSeconds() {
        ClusterOptions impatient =
                new ClusterOptions(Duration.ofSeconds(1), Duration.ofMinutes(1), Duration.ofSeconds(1));
        assertThatThrownBy(() -> new BarrierCluster(spark, impatient).run(3, 0, context -> "", status -> {}))
                .isInstanceOf(ResourceException.class)
                .hasMessage("3 ranks were asked for, one an executor, but after 1 s Spark has 2 executors of 1 core"
                        + " each; set ranks to 2 or ask Spark for more (spark.executor.instances, spark.cores.max,"
                        + " workers)");
    }

    @Test
    @Order(7)
    void aKilledExecutorGivesAnotherAttempt() {
        List<Integer> attempts = new AttemptLoop(
                        new BarrierCluster(spark, ClusterOptions.defaults()), AttemptOptions.of(2), ranks -> true)
                .run(
                        connected((context, collectives) -> {
                            collectives.barrier(BOTH);
                            if (context.attempt() == 0 && context.rank() == 1) {
                                new ProcessBuilder(
                                                "kill",
                                                "-9",
                                                "" + ProcessHandle.current().pid())
                                        .start();
                                new CountDownLatch(1).await();
                            }
                            collectives.allReduceSum(doubles(1_000_000, 1), DType.FLOAT64, BOTH);
                            return context.attempt();
                        }),
                        status -> {});
        assertThat(attempts).containsExactly(1, 1);
    }

    @Test
    @Order(8)
    void aKilledExecutorIsNamed() {
        List<RankOutcome<String>> outcomes = BarrierCluster.run(
                spark,
                2,
                0,
                connected((context, collectives) -> {
                    collectives.barrier(BOTH);
                    if (context.rank() == 0) {
                        Runtime.getRuntime().halt(137);
                    }
                    collectives.barrier(BOTH);
                    return "";
                }),
                status -> {});
        assertThat(outcomes.get(0)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.kind()).isEqualTo(FailureKind.RESOURCE);
            assertThat(failure.message()).matches("executor \\d+ lost \\(SIGKILL\\): .*");
            assertThat(failure.consequence()).isFalse();
        });
        assertThat(outcomes.get(1)).isInstanceOfSatisfying(Failure.class, failure -> {
            assertThat(failure.failedRank()).isZero();
            assertThat(failure.consequence()).isTrue();
        });
    }
}
