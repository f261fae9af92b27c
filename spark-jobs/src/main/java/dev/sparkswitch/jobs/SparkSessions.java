package dev.sparkswitch.jobs;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.cluster.BarrierCluster;
import dev.sparkswitch.engine.NativeMemory;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Starts Spark for a job: on the cluster that spark-submit named, else on this host as the profile says. */
final class SparkSessions {
    /** Spark fixes the versions of Arrow, Netty and Hadoop that SparkSwitch shares with it; another line does not fit. */
    private static final String SPARK_LINE = "4.2.";

    private static final String JAVA_OPTIONS = "spark.executor.extraJavaOptions";

    private SparkSessions() {}

    static SparkSession start(String command, SparkProfile profile, Home home) throws IOException {
        if (!org.apache.spark.package$.MODULE$.SPARK_VERSION().startsWith(SPARK_LINE)) {
            throw new ResourceException("This is Spark " + org.apache.spark.package$.MODULE$.SPARK_VERSION()
                    + ", SparkSwitch needs Spark " + SPARK_LINE + "x: use a cluster or a SPARK_HOME of that line.");
        }
        return SparkSession.builder()
                .config(configure(command, profile, home, new SparkConf()))
                .getOrCreate();
    }

    /** The configuration of the session: what {@code given} says, completed by the profile. */
    static SparkConf configure(String command, SparkProfile profile, Home home, SparkConf given) throws IOException {
        SparkConf conf = given.clone();
        // Without --name, spark-submit names an application after its main class.
        if (conf.get("spark.app.name", "").isEmpty()
                || conf.get("spark.app.name").startsWith("dev.sparkswitch.")) {
            conf.setAppName("sparkswitch " + command);
        }
        if (onThisHost(conf.get("spark.master", ""))) {
            if (profile instanceof SparkProfile.Training training) {
                requireMemory(training);
                conf.setMaster(profile.master());
                conf.set("spark.executor.memory", training.memoryPerExecutorMiB() + "m");
                conf.set("spark.executor.cores", Integer.toString(training.coresPerExecutor()));
                conf.set("spark.cores.max", Integer.toString(training.executors() * training.coresPerExecutor()));
                localExecutors(conf);
            } else if (profile instanceof SparkProfile.Data data && data.threads() > 0) {
                conf.setMaster(profile.master());
            } else {
                conf.setIfMissing("spark.master", profile.master());
            }
            defaults(conf, home, profile.file());
        } else if (profile instanceof SparkProfile.Training) {
            defaults(conf, home, "cluster.conf");
        }
        if (profile instanceof SparkProfile.Training) {
            BarrierCluster.configure(conf);
        }
        if (profile instanceof SparkProfile.Training training) {
            training.memory().ifPresent(memory -> outsideTheHeap(conf, memory));
        }
        return conf;
    }

    /** Gives executors what their ranks need outside the heap; what was set by hand stays. */
    private static void outsideTheHeap(SparkConf conf, ExecutorMemory memory) {
        conf.setIfMissing("spark.executor.memoryOverhead", memory.overheadMiB() + "m");
        String given = conf.get(JAVA_OPTIONS, "");
        if (!given.contains(NativeMemory.LIMIT_OPTION)) {
            long heapMiB = conf.getSizeAsMb("spark.executor.memory", "1g");
            conf.set(JAVA_OPTIONS, (given + " " + memory.javaOptions(heapMiB)).strip());
        }
    }

    /** Whether the master is this very process, which spark-submit also says when nobody named a master. */
    private static boolean onThisHost(String master) {
        return master.isEmpty() || master.equals("local") || master.startsWith("local[");
    }

    /** Refuses executors that would bring this host down. */
    private static void requireMemory(SparkProfile.Training training) {
        long outside = training.memory().map(ExecutorMemory::overheadMiB).orElse(0L);
        long wanted = training.executors() * (training.memoryPerExecutorMiB() + outside);
        long there = ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                        .getTotalMemorySize()
                >> 20;
        if (wanted > there) {
            throw new ResourceException(
                    training.executors() + " executors of " + training.memoryPerExecutorMiB()
                            + " MiB each do not fit the " + there + " MiB of this host"
                            + (outside == 0 ? "" : ", where each needs " + outside + " MiB more outside its heap")
                            + ": lower cluster.ranks or cluster.memory-per-rank, or name a cluster with spark-submit --master.");
        }
    }

    /** The executors of a local cluster read the jar where it lies instead of a copy each. */
    private static void localExecutors(SparkConf conf) throws IOException {
        String sparkHome = System.getenv("SPARK_HOME");
        if (sparkHome == null || sparkHome.isBlank()) {
            throw new ResourceException("Training on this host starts executors from a Spark home and SPARK_HOME is not"
                    + " set: use bin/sparkswitch, or set SPARK_HOME to a Spark " + SPARK_LINE + "x.");
        }
        Path work = Path.of(sparkHome).resolve("work");
        try {
            Files.createDirectories(work);
        } catch (IOException e) {
            throw new ResourceException(
                    "Training on this host keeps its executors' files in " + work
                            + ", which cannot be written: use a SPARK_HOME of your own, or unset it.",
                    e);
        }
        if (Home.jar().isPresent() && !conf.contains("spark.executor.extraClassPath")) {
            Path jar = Home.jar().get().toAbsolutePath();
            conf.set("spark.executor.extraClassPath", jar.toString());
            String others = Stream.of(conf.get("spark.jars", "").split(","))
                    .filter(other -> !other.isBlank() && !other.endsWith("/" + jar.getFileName()))
                    .collect(Collectors.joining(","));
            conf.set("spark.jars", others);
        }
    }

    private static void defaults(SparkConf conf, Home home, String file) throws IOException {
        Home.ConfFile found = home.conf("spark/" + file)
                .orElseThrow(() -> new InternalException("The Spark profile " + file + " is missing from the jar."));
        Properties properties = new Properties();
        properties.load(new ByteArrayInputStream(found.content()));
        for (String key : properties.stringPropertyNames()) {
            conf.setIfMissing(key, properties.getProperty(key).trim());
        }
    }
}
