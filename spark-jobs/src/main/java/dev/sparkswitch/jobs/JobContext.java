package dev.sparkswitch.jobs;

import dev.sparkswitch.corpus.JobResult;
import dev.sparkswitch.eval.metric.Scores;
import dev.sparkswitch.eval.task.Task;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.Evaluate;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import dev.sparkswitch.jobs.run.TrainingRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;

/**
 * What a running job has around it. Spark starts when it is first asked for and stops when the job ends. Used by the
 * thread that runs the job.
 */
public final class JobContext implements AutoCloseable {
    private final String command;
    private final Home home;
    private final PrintWriter out;
    private SparkProfile running;
    private SparkSession session;

    JobContext(String command, Home home, PrintWriter out) {
        this.command = command;
        this.home = home;
        this.out = out;
    }

    /** Where a job prints its results, standard output. Progress goes to standard error by itself. */
    public PrintWriter out() {
        return out;
    }

    /** The folder of the SparkSwitch installation; empty where only the jar is there. */
    public Optional<Path> home() {
        return home.folder();
    }

    /** Where configuration files lie. */
    Home files() {
        return home;
    }

    /**
     * Spark for one kind of work. The session of the previous call is returned while the profile is the same; otherwise
     * it is stopped and another one is started, so that one job can prepare data first and train then.
     *
     * @throws dev.sparkswitch.base.ResourceException when this Spark does not fit or cannot start here
     */
    public SparkSession spark(SparkProfile profile) {
        if (session != null && !profile.equals(running)) {
            close();
        }
        if (session == null) {
            try {
                session = SparkSessions.start(command, profile, home);
                running = profile;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return session;
    }

    /**
     * {@link #spark} for later: started when it is asked for. A command's own class must not name Spark's, as a lambda there
     * would, for the command line is read on hosts without Spark too.
     */
    public Supplier<SparkSession> sparkFor(SparkProfile profile) {
        return () -> spark(profile);
    }

    /**
     * Spark for training, started when ranks are to run in its executors: nothing of it is asked for before.
     *
     * @param memory that ranks need, where it is known; it is said before they start
     */
    TrainingRun.SparkSource sparkForTraining(ClusterSettings cluster, Optional<ExecutorMemory> memory) {
        return new LateSpark(this, cluster, memory);
    }

    /** A lambda in its place would look for Spark's classes when it is made. */
    private record LateSpark(JobContext context, ClusterSettings cluster, Optional<ExecutorMemory> memory)
            implements TrainingRun.SparkSource {
        @Override
        public SparkSession start() {
            // Runs side by side share a session.
            synchronized (context) {
                // Standard output is for results.
                memory.ifPresent(known -> System.err.println(context.command + ": " + known.line()));
                return context.spark(SparkProfile.training(cluster, memory));
            }
        }
    }

    /** Spark for work on data on a number of threads of this process, as long as no cluster was named. */
    public IntFunction<SparkSession> sparkOn() {
        return threads -> spark(SparkProfile.data(threads));
    }

    /** The settings of Hadoop's file systems: those that Spark was given, without starting it. */
    public Configuration hadoop() {
        return hadoopSettings();
    }

    /** The same where no job runs. */
    static Configuration hadoopSettings() {
        try {
            Class.forName("org.apache.spark.SparkConf");
        } catch (ClassNotFoundException e) {
            return new Configuration();
        }
        return SparkHadoopUtil.get().newConfiguration(new SparkConf());
    }

    /** Says how a run ended. */
    void finished(TrainingRun.Finished run) {
        finished(new JobResult(run.folder(), run.manifest(), run.wasComplete()));
        Map<String, String> properties = run.manifest().properties();
        if (properties.containsKey(TrainingRun.HELD_OUT_LOSS)) {
            out.printf(
                    Locale.ROOT,
                    "  %-32s %.4f nats a token%n",
                    "held-out loss",
                    Double.parseDouble(properties.get(TrainingRun.HELD_OUT_LOSS)));
        }
    }

    /** Says what an evaluation found. */
    void finished(Evaluate.Finished evaluation) {
        finished(new JobResult(evaluation.folder(), evaluation.manifest(), evaluation.wasComplete()));
        for (Task.Evaluation result : evaluation.results()) {
            for (Scores.Score score : result.scores().scores()) {
                out.printf(
                        Locale.ROOT,
                        "  %-12s %-14s %6.2f  (%.2f to %.2f)%n",
                        result.scores().task(),
                        score.name(),
                        score.value(),
                        score.low(),
                        score.high());
            }
        }
    }

    /** Says what a job left behind: new or found complete, where, and its counts. */
    public void finished(JobResult result) {
        out.println(command + (result.wasComplete() ? " was complete already: " : " made ") + result.folder());
        result.manifest().counts().forEach((name, count) -> out.printf("  %-32s %,d%n", name, count));
    }

    /** The same, and where the page about it lies, in its folder. */
    void finished(JobResult result, String report) {
        finished(result);
        out.printf("  %-32s %s/%s%n", "report", result.folder(), report);
    }

    /** Stops Spark where it was started. */
    @Override
    public void close() {
        if (session != null) {
            session.stop();
            session = null;
            running = null;
        }
    }
}
