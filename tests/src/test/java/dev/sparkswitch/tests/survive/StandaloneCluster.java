package dev.sparkswitch.tests.survive;

import dev.sparkswitch.tests.cluster.SparkHome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Spark's own cluster manager on this host: a master, and workers of one core, each a process that can be taken away. */
final class StandaloneCluster implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Path folder;
    private final String host;
    private final Path logging;
    private final Process master;
    private final String address;
    private final List<Process> workers = new ArrayList<>();

    /** @param host the address that all listen at */
    StandaloneCluster(Path folder, String host) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.host = host;
        // Their messages tell that they are there.
        logging = Files.writeString(folder.resolve("log4j2.properties"), """
                rootLogger.level = info
                rootLogger.appenderRef.stderr.ref = stderr
                appender.stderr.type = Console
                appender.stderr.name = stderr
                appender.stderr.target = SYSTEM_ERR
                appender.stderr.layout.type = PatternLayout
                appender.stderr.layout.pattern = %m%n
                """);
        // Lays out the home from which workers start executors.
        SparkHome.localCluster(1, 1);
        Path log = folder.resolve("master.log");
        master = start(List.of(), log, "org.apache.spark.deploy.master.Master", "--host", host, "--port", "0");
        Processes.await("a master", PATIENCE, () -> read(log).contains("Starting Spark master at spark://"));
        String text = read(log);
        int from = text.indexOf("spark://");
        address = text.substring(from, text.indexOf('\n', from)).strip();
    }

    /** The master's address. */
    String address() {
        return address;
    }

    /**
     * Starts a worker and waits until it has registered.
     *
     * @param prefix of its command line, such as one that enters a network namespace
     * @param workerHost where it listens
     */
    void addWorker(List<String> prefix, String workerHost) throws IOException {
        int number = workers.size();
        Path log = folder.resolve("worker-" + number + ".log");
        workers.add(start(
                prefix,
                log,
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                workerHost,
                "--cores",
                "1",
                "--memory",
                "1g",
                "--work-dir",
                folder.resolve("work-" + number).toString(),
                address));
        Processes.await("a worker", PATIENCE, () -> read(log).contains("Successfully registered with master"));
    }

    void addWorker() throws IOException {
        addWorker(List.of(), host);
    }

    /** SIGKILL of a worker and its executor: a host that is gone. */
    void loseWorker(int number) {
        Process worker = workers.get(number);
        List<ProcessHandle> all = worker.descendants().toList();
        worker.destroyForcibly().onExit().join();
        all.forEach(ProcessHandle::destroyForcibly);
    }

    private Process start(List<String> prefix, Path log, String main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        String[] all = new String[arguments.length + 1];
        all[0] = main;
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        command.addAll(Submission.java(
                        List.of(
                                "-Xmx256m",
                                "-XX:+UseSerialGC",
                                "-Dlog4j2.configurationFile=" + logging,
                                "-Dspark.master.ui.port=0",
                                "-Dspark.worker.ui.port=0",
                                "-Dspark.master.rest.enabled=false"),
                        all)
                .command());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("SPARK_LOCAL_IP", arguments[1]);
        return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        for (int i = 0; i < workers.size(); i++) {
            loseWorker(i);
        }
        master.destroyForcibly();
    }
}
