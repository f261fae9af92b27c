package dev.sparkswitch.tests.survive;

import dev.sparkswitch.tests.cluster.SparkHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.spark.launcher.JavaModuleOptions;
import scala.Tuple2;

/** {@code sparkswitch pretrain} in a process of its own, with executors of its own. */
final class Submission implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(8);

    private final Process process;
    private final Path log;

    private Submission(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Submits {@code run}.
     *
     * @param mark what the executors' command lines bear
     * @param settings of Spark, over those of a local cluster
     */
    static Submission start(SurvivedRun run, String mark, Map<String, String> settings) throws IOException {
        Path config = run.folder().resolveSibling(run.folder().getFileName() + ".yaml");
        Files.writeString(config, run.yaml());
        List<String> options = new ArrayList<>(List.of("-Xmx512m", "-XX:+UseSerialGC"));
        for (Tuple2<String, String> setting : SparkHome.localCluster(2, 1).getAll()) {
            // The command chooses its master by itself.
            if (!setting._1().equals("spark.master") && !setting._1().equals("spark.app.name")) {
                options.add("-D" + setting._1() + "=" + setting._2());
            }
        }
        options.add("-Dspark.executor.extraJavaOptions=-XX:+UseSerialGC " + mark);
        settings.forEach((key, value) -> options.add("-D" + key + "=" + value));
        Path log = Files.createTempFile(config.getParent(), "submission", ".log");
        return new Submission(
                java(options, "dev.sparkswitch.jobs.Main", "pretrain", "--config", config.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start(),
                log);
    }

    /** A JVM with the class path of this one. */
    static ProcessBuilder java(List<String> options, String... mainAndArguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptionArray()));
        command.addAll(options);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.addAll(Arrays.asList(mainAndArguments));
        return new ProcessBuilder(command);
    }

    /** Waits for the end. */
    int exitCode() {
        Processes.await("the end of " + log, PATIENCE, () -> !process.isAlive());
        return process.exitValue();
    }

    String printed() throws IOException {
        return Files.readString(log);
    }

    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
