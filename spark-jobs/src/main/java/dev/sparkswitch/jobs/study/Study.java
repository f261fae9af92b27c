package dev.sparkswitch.jobs.study;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.eval.study.Comparison;
import dev.sparkswitch.jobs.run.ClusterSettings;
import dev.sparkswitch.jobs.run.ExecutorMemory;
import dev.sparkswitch.jobs.run.TrainingRun;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains the variants of a study, each run in its own folder as its command would, and writes the page that compares them
 * whenever a run has ended. A run that is finished is not repeated, one that was stopped goes on. A run that fails leaves the
 * others alone.
 */
public final class Study {
    private static final Logger LOG = LoggerFactory.getLogger(Study.class);
    /** What is left of a time limit must suffice to start a run. */
    private static final Duration SHORTEST = Duration.ofSeconds(5);

    private final StudyPlan plan;
    private final TrainingRun.SparkSource spark;
    private final Configuration hadoop;
    private final PrintWriter out;
    private final StudyFolder folder;
    private final Optional<Instant> deadline;
    /** Places for runs side by side, by number. */
    private final BlockingQueue<Integer> places;

    private final Map<String, SparkSwitchException> failures = new TreeMap<>();

    private Study(StudyPlan plan, TrainingRun.SparkSource spark, Configuration hadoop, PrintWriter out) {
        this.plan = plan;
        this.spark = spark;
        this.hadoop = hadoop;
        this.out = out;
        this.folder = new StudyFolder(plan, hadoop);
        this.deadline = plan.config().timeLimit().map(Instant.now()::plus);
        this.places = new ArrayBlockingQueue<>(plan.config().sideBySide());
        for (int place = 0; place < plan.config().sideBySide(); place++) {
            places.add(place);
        }
    }

    /** How a run of this study ended. */
    private enum Ending {
        FINISHED,
        WAS_FINISHED,
        PAUSED,
        FAILED
    }

    /**
     * Runs a study to its end or to its time limit.
     *
     * @param out where results are printed
     * @return the figures
     * @throws ResourceException where the time limit came first, or a run failed for want of something
     * @throws UserException where a run failed otherwise
     */
    public static Comparison run(StudyPlan plan, TrainingRun.SparkSource spark, Configuration hadoop, PrintWriter out) {
        return new Study(plan, spark, hadoop, out).all();
    }

    /** The executors that runs side by side take together, and what the largest of them needs. */
    public static ClusterSettings cluster(StudyPlan plan) {
        return plan.runs().get(0).work().cluster().together(plan.config().sideBySide());
    }

    /** What a rank of the largest variant needs, where that is known. */
    public static Optional<ExecutorMemory> memory(StudyPlan plan, Configuration hadoop) {
        return plan.runs().stream()
                .map(run -> run.work().memory(hadoop))
                .flatMap(Optional::stream)
                .max(Comparator.comparingLong(ExecutorMemory::overheadMiB));
    }

    private Comparison all() {
        plan.print(hadoop, out);
        List<Ending> endings = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(plan.config().sideBySide(), task -> {
            Thread thread = new Thread(task, "study");
            thread.setDaemon(true);
            return thread;
        });
        try {
            List<Future<Ending>> runs = new ArrayList<>();
            for (StudyPlan.Run run : plan.runs()) {
                runs.add(threads.submit(() -> train(run)));
            }
            for (Future<Ending> run : runs) {
                endings.add(run.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ResourceException("The study was interrupted: the same command goes on.", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException known
                    ? known
                    : new InternalException("a run of the study met a defect: " + e.getCause(), e.getCause());
        } finally {
            threads.shutdownNow();
        }
        Comparison comparison = report();
        StudyText.print(comparison, out);
        out.println("  " + folder.page());
        out.flush();
        raise(endings);
        return comparison;
    }

    private void raise(List<Ending> endings) {
        if (!failures.isEmpty()) {
            Map.Entry<String, SparkSwitchException> first =
                    failures.entrySet().iterator().next();
            String message = failures.size() + " of " + endings.size() + " runs failed, first of them " + first.getKey()
                    + ": " + first.getValue().getMessage();
            if (first.getValue() instanceof InternalException) {
                throw new InternalException(message, first.getValue());
            }
            throw first.getValue() instanceof ResourceException
                    ? new ResourceException(message, first.getValue())
                    : new UserException(message, first.getValue());
        }
        long left = endings.stream().filter(Ending.PAUSED::equals).count();
        if (left > 0) {
            throw new ResourceException("The study's time limit came with " + left + " of " + endings.size()
                    + " runs unfinished: the same command goes on.");
        }
    }

    /** Trains a run in a free place. */
    private Ending train(StudyPlan.Run run) throws InterruptedException {
        Optional<Duration> left = deadline.map(end -> Duration.between(Instant.now(), end));
        if (left.isPresent() && left.get().compareTo(SHORTEST) < 0) {
            return folder.isFinished(run) ? Ending.WAS_FINISHED : Ending.PAUSED;
        }
        int place = places.take();
        try {
            return train(run, place, left);
        } finally {
            places.add(place);
            report();
        }
    }

    private Ending train(StudyPlan.Run run, int place, Optional<Duration> left) {
        StudyWork asGiven = run.work();
        ClusterSettings cluster = asGiven.cluster();
        int card = cluster.firstCard() + place * cluster.ranks();
        int threads =
                switch (cluster.place()) {
                    case SPARK -> 0;
                    case HOST -> threads(cluster);
                };
        try {
            StudyWork work = run.settings().work(left.or(cluster::timeLimit), card, threads);
            say(run, folder.isFinished(run) ? "finished before" : "begins");
            Optional<TrainingRun.Finished> finished = TrainingRun.advance(spark, hadoop, work.task(hadoop));
            if (finished.isEmpty()) {
                say(run, "stopped at the time limit");
                return Ending.PAUSED;
            }
            return finished.get().wasComplete() ? Ending.WAS_FINISHED : Ending.FINISHED;
        } catch (SparkSwitchException e) {
            return failed(run, e);
        } catch (RuntimeException | OutOfMemoryError e) {
            return failed(run, new InternalException("it met a defect: " + e, e));
        }
    }

    private Ending failed(StudyPlan.Run run, SparkSwitchException why) {
        say(run, "failed: " + why.getMessage());
        LOG.debug("{} failed", run.name(), why);
        synchronized (failures) {
            failures.put(run.name(), why);
        }
        return Ending.FAILED;
    }

    /** Runs side by side share the cores of this host. */
    private int threads(ClusterSettings cluster) {
        int together = plan.config().sideBySide();
        return together == 1
                ? 0
                : Math.max(1, Runtime.getRuntime().availableProcessors() / (together * cluster.ranks()));
    }

    private synchronized void say(StudyPlan.Run run, String what) {
        int number = plan.runs().indexOf(run) + 1;
        out.println("[" + number + "/" + plan.runs().size() + "] " + run.name() + ": " + what);
        out.flush();
    }

    /** Writes page and figures as things stand. */
    private synchronized Comparison report() {
        Map<String, String> failed = new TreeMap<>();
        synchronized (failures) {
            failures.forEach((name, failure) -> failed.put(name, failure.getMessage()));
        }
        Comparison comparison = folder.write(failed);
        LOG.debug("wrote {}", folder.page());
        return comparison;
    }
}
