package dev.sparkswitch.tests.survive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Rollback;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.jobs.run.Pretrain;
import dev.sparkswitch.tests.cluster.SparkHome;
import dev.sparkswitch.tests.cluster.TinyShards;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults in the midst of runs on executors that are processes of their own. Each run ends with the curve of one that was left
 * alone, or with one clear cause; {@code target/resilience.md} tells how long it took.
 */
@Tag("long")
@Timeout(value = 60, unit = TimeUnit.MINUTES)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class KillSuiteTest {
    private static final String MARK = "-Dkill.suite=" + UUID.randomUUID();
    private static final int KILLS = Integer.getInteger("sparkswitch.kills", 20);
    /** Executors of a busy host take long to come. */
    private static final String PATIENT = "spark.scheduler.maxRegisteredResourcesWaitingTime";

    private static final String PATIENCE = "300s";
    private static final int EXECUTORS = 2;
    private static final int DRIVER_KILLS = 3;
    /** An executor that is cut off ends itself when 60 heartbeats in a row had no answer, of up to two seconds each. */
    private static final Duration END_BY_ITSELF = Duration.ofMinutes(4);

    private static final FaultTable TABLE = new FaultTable();

    @TempDir
    static Path folder;

    private static SparkSession spark;
    private static SurvivedRun undisturbed;

    /** Something that goes wrong while a run trains. */
    private interface Fault {
        void strike(SurvivedRun run) throws Exception;
    }

    @BeforeAll
    static void start() throws IOException {
        TinyShards.write(folder.resolve("shards"), 96, 61);
        SparkConf conf = SparkHome.localCluster(EXECUTORS, 1)
                .set("spark.executor.extraJavaOptions", "-XX:+UseSerialGC " + MARK)
                .set(PATIENT, PATIENCE);
        spark = SparkSession.builder().config(BarrierCluster.configure(conf)).getOrCreate();
        undisturbed = run("undisturbed");
        pretrain(undisturbed);
    }

    @AfterAll
    static void stop() {
        spark.stop();
        Processes.await("the end of all executors", Duration.ofSeconds(30), () -> Processes.executors(MARK)
                .isEmpty());
    }

    /** Of the session's executors none stays but those at work; every other process that a test started has ended. */
    @AfterEach
    void noProcessIsLeftBehind() {
        Processes.await("the end of executors that were given up", Duration.ofMinutes(1), () -> {
            List<ProcessHandle> left = Processes.executors(MARK);
            return left.size() <= EXECUTORS && left.stream().noneMatch(Processes::stopped);
        });
    }

    private static SurvivedRun run(String name) {
        return new SurvivedRun(folder.resolve("shards"), folder.resolve(name), 2);
    }

    private static void pretrain(SurvivedRun run) {
        Pretrain.run(() -> spark, new Configuration(), run.config());
    }

    /** Runs with {@code fault}, which strikes after the first checkpoint; seconds to recover. */
    private static double disturbed(SurvivedRun run, Fault fault) throws Exception {
        CompletableFuture<Double> recovery = CompletableFuture.supplyAsync(() -> {
            try {
                run.awaitFirstCheckpoint();
                fault.strike(run);
                return run.secondsToRecover();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        pretrain(run);
        double seconds = recovery.get(1, TimeUnit.MINUTES);
        run.assertSameCurve(undisturbed);
        return seconds;
    }

    private static void sleep(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
    }

    @Test
    @Order(9)
    void anExecutorIsKilledAtRandomSteps() throws Exception {
        Random random = new Random(1);
        List<Double> seconds = new ArrayList<>();
        for (int i = 0; i < KILLS; i++) {
            int step = SurvivedRun.EVERY * (1 + random.nextInt(SurvivedRun.STEPS / SurvivedRun.EVERY - 2));
            double part = random.nextDouble();
            int victim = random.nextInt(2);
            SurvivedRun run = run("killed-" + i);
            seconds.add(disturbed(run, struck -> {
                struck.awaitSomewhereBehind(step, part);
                Processes.executors(MARK).get(victim).destroyForcibly();
            }));
            assertThat(run.lines(true)).singleElement().satisfies(restart -> assertThat(
                            restart.path("cause").asText())
                    .matches("executor \\d+ lost \\(SIGKILL\\).*"));
            TABLE.put("SIGKILL of an executor at a random step", "the same curve, bit for bit", seconds);
        }
    }

    @Test
    @Order(1)
    void anExecutorHangs() throws Exception {
        double seconds = disturbed(
                run("hung"),
                struck -> Processes.signal("STOP", Processes.executors(MARK).get(1)));
        TABLE.put("an executor hangs (SIGSTOP)", "the same curve, bit for bit", List.of(seconds));
    }

    @Test
    @Order(5)
    void aWorkerComesBackSlower() throws Exception {
        SurvivedRun run = run("slow");
        double seconds = disturbed(run, struck -> {
            ProcessHandle first = Processes.executors(MARK).get(1);
            first.destroyForcibly();
            CompletableFuture.runAsync(() -> slowDown(run));
        });
        TABLE.put(
                "an executor is killed, the next has a quarter of the speed",
                "the same curve, bit for bit",
                List.of(seconds));
    }

    /** Stops the youngest executor three quarters of the time, until the run has ended. */
    private static void slowDown(SurvivedRun run) {
        while (!Files.exists(run.folder().resolve("manifest.json"))) {
            List<ProcessHandle> executors = Processes.executors(MARK);
            if (executors.size() == 2) {
                Processes.signal("STOP", executors.get(1));
                sleep(Duration.ofMillis(150).toNanos());
                Processes.signal("CONT", executors.get(1));
            }
            sleep(Duration.ofMillis(50).toNanos());
        }
    }

    @Test
    @Order(4)
    void theDiskIsFullWhileSaving() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("small-disk"));
        Assumptions.assumeTrue(
                Processes.run("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk.toString()),
                "this user may not mount a disk");
        try {
            SurvivedRun run = run("small-disk/run");
            long start = System.nanoTime();
            assertThatThrownBy(() -> pretrain(run))
                    .isInstanceOf(ResourceException.class)
                    .hasMessageContaining("No space left on device")
                    .hasMessageContaining("check the disk's space");
            double seconds = (System.nanoTime() - start) / 1e9;
            List<String> kept = run.checkpoints();
            assertThat(kept).isNotEmpty();
            assertThat(Processes.run("mount", "-o", "remount,size=64m", disk.toString()))
                    .isTrue();

            pretrain(run);

            run.assertSameCurve(undisturbed);
            TABLE.put(
                    "the disk is full while a checkpoint is written",
                    "stops with the cause after five attempts, checkpoints kept; with room, the same command ends with the"
                            + " same curve",
                    List.of(seconds));
        } finally {
            Processes.run("umount", disk.toString());
        }
    }

    @Test
    @Order(3)
    void aShardIsDamaged() throws Exception {
        Path shard;
        SurvivedRun run = new SurvivedRun(folder.resolve("damaged-shards"), folder.resolve("on-damaged"), 2);
        TinyShards.write(folder.resolve("damaged-shards"), 96, 61);
        shard = folder.resolve("damaged-shards/train/0.arrow");
        byte[] bytes = Files.readAllBytes(shard);
        byte[] damaged = bytes.clone();
        damaged[bytes.length / 2] ^= 4;
        Files.write(shard, damaged);
        long start = System.nanoTime();
        assertThatThrownBy(() -> pretrain(run))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("0.arrow is damaged");
        double seconds = (System.nanoTime() - start) / 1e9;
        Files.write(shard, bytes);
        pretrain(run);
        run.assertSameCurve(undisturbed);
        TABLE.put(
                "an input shard is damaged",
                "stops naming the file; with the file restored, the same curve",
                List.of(seconds));
    }

    @Test
    @Order(8)
    void theDriverIsKilledAndTheCommandGivenAgain() throws Exception {
        List<Double> seconds = new ArrayList<>();
        Random random = new Random(2);
        for (int i = 0; i < DRIVER_KILLS; i++) {
            SurvivedRun run = run("driver-" + i);
            String mark = MARK + "-driver-" + i;
            try (Submission first = Submission.start(run, mark, Map.of(PATIENT, PATIENCE))) {
                run.awaitSomewhereBehind(SurvivedRun.EVERY * (1 + random.nextInt(6)), random.nextDouble());
                first.kill();
            }
            assertThat(run.folder().resolve("manifest.json")).doesNotExist();
            assertNoneLeft(mark, Duration.ofMinutes(1));
            long start = System.nanoTime();
            try (Submission second = Submission.start(run, mark, Map.of(PATIENT, PATIENCE))) {
                run.secondsToRecover();
                seconds.add((System.nanoTime() - start) / 1e9);
                assertThat(second.exitCode()).as(second.printed()).isZero();
            }
            run.assertSameCurve(undisturbed);
            assertNoneLeft(mark, Duration.ofMinutes(1));
        }
        TABLE.put(
                "SIGKILL of the driver, the command given again",
                "its executors end by themselves; the same curve, bit for bit",
                seconds);
    }

    @Test
    @Order(6)
    void aHostIsLostForGoodAndTheRunGoesOnWithOneRank() throws Exception {
        SurvivedRun run = new SurvivedRun(folder.resolve("shards"), folder.resolve("fewer"), 1);
        String mark = MARK + "-fewer";
        double seconds;
        try (StandaloneCluster cluster = new StandaloneCluster(folder.resolve("two-hosts"), "127.0.0.1")) {
            cluster.addWorker();
            cluster.addWorker();
            try (Submission submission =
                    Submission.start(run, mark, Map.of("spark.master", cluster.address(), PATIENT, PATIENCE))) {
                run.awaitFirstCheckpoint();
                cluster.loseWorker(1);
                seconds = run.secondsToRecover();
                assertThat(submission.exitCode()).as(submission.printed()).isZero();
                assertThat(submission.printed()).contains("attempt 2 on 1 rank");
            }
            assertNoneLeft(mark, Duration.ofMinutes(1));
        }
        run.assertCloseCurve(undisturbed);
        TABLE.put(
                "a host is lost for good, min-ranks allows one less",
                "goes on with one rank after waiting two minutes for another; the same curve to 1e-6",
                List.of(seconds));
    }

    @Test
    @Order(7)
    void aHostIsCutOffTheNetworkAndTheRunGoesOnWithOneRank() throws Exception {
        Namespace far = Namespace.open();
        Assumptions.assumeTrue(far != null, "this user may not make network namespaces");
        SurvivedRun run = new SurvivedRun(folder.resolve("shards"), folder.resolve("cut-off"), 1);
        String mark = MARK + "-cut-off";
        double seconds;
        try (far;
                StandaloneCluster cluster = new StandaloneCluster(folder.resolve("near-and-far"), Namespace.NEAR)) {
            cluster.addWorker();
            cluster.addWorker(far.prefix(), Namespace.FAR);
            Map<String, String> settings = Map.of(
                    "spark.master",
                    cluster.address(),
                    "spark.driver.host",
                    Namespace.NEAR,
                    PATIENT,
                    PATIENCE,
                    "spark.driver.bindAddress",
                    Namespace.NEAR);
            try (Submission submission = Submission.start(run, mark, settings)) {
                run.awaitFirstCheckpoint();
                far.cut();
                seconds = run.secondsToRecover();
                assertThat(submission.exitCode()).as(submission.printed()).isZero();
                assertThat(submission.printed()).contains("attempt 2 on 1 rank");
            }
            assertNoneLeft(mark, END_BY_ITSELF);
        }
        run.assertCloseCurve(undisturbed);
        TABLE.put(
                "a host is cut off the network (namespace), min-ranks allows one less",
                "goes on with one rank once Spark gives the executor up; the same curve to 1e-6",
                List.of(seconds));
    }

    /** While their cluster is still there: executors end without its being ended. */
    private static void assertNoneLeft(String mark, Duration patience) {
        Processes.await("the end of the executors of " + mark, patience, () -> Processes.executors(mark)
                .isEmpty());
    }

    /** With ranks of this process, for no one reaches into an executor's arithmetic from outside. */
    @Test
    @Order(0)
    void aGradientIsNoNumber() throws IOException {
        long batch = 6;
        LocalRun without = new LocalRun(folder.resolve("without-batch")).on(2);
        without.store().add(new Rollback(1, batch, batch, "left out from the beginning"));
        AtomicLong last = new AtomicLong();
        AtomicLong over = new AtomicLong();
        LocalRun run = new LocalRun(folder.resolve("poisoned"))
                .on(2)
                .withRows(source -> new Rows(1000, Set.of(batch * LocalRun.ROWS)))
                .withEngine(PoisonedEngine::of)
                .withProgress(status -> {
                    if (status.step() == batch) {
                        last.compareAndSet(0, System.nanoTime());
                    } else if (status.step() == batch + 1) {
                        over.set(System.nanoTime());
                    }
                });

        Map<String, double[]> wanted = without.run();
        Map<String, double[]> found = run.run();

        assertThat(run.worlds()).containsExactly(2, 2);
        assertThat(run.causes()).singleElement().asString().contains("leaves out batch 6");
        wanted.forEach((name, values) -> assertThat(found.get(name)).as(name).isEqualTo(values));
        TABLE.put(
                "a gradient is no number (two ranks of one process)",
                "goes back to the checkpoint and leaves the batch out; ends as a run that never saw it, bit for bit",
                List.of((over.get() - last.get()) / 1e9));
    }

    @Test
    @Order(2)
    void theNewestCheckpointIsDamagedAndAnExecutorKilled() throws Exception {
        double seconds = disturbed(run("damaged-checkpoint"), struck -> {
            Processes.await(
                    "a second checkpoint",
                    Duration.ofMinutes(2),
                    () -> struck.checkpoints().size() >= 2);
            Processes.executors(MARK).get(0).destroyForcibly();
            String newest = struck.checkpoints().stream().max(String::compareTo).orElseThrow();
            Path file = struck.folder().resolve("checkpoints").resolve(newest).resolve("dense.safetensors");
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        });
        TABLE.put(
                "the newest checkpoint is damaged and an executor killed",
                "goes back to the one before, the same curve",
                List.of(seconds));
    }
}
