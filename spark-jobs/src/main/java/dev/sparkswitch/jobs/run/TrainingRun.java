package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.Progress;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.cluster.AttemptLoop;
import dev.sparkswitch.cluster.AttemptOptions;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingStatus;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/**
 * One training run from the driver's side: everything that can be checked is checked before a rank starts, then the loop of
 * attempts runs, and at the end the run's manifest is written.
 */
public final class TrainingRun {
    /** The kind of a finished run's manifest. */
    public static final String KIND = "run";
    /** Properties of a finished run's manifest: the last held-out losses, nats a target token. */
    public static final String HELD_OUT_LOSS = "heldout-loss";
    /** See {@link #HELD_OUT_LOSS}; over text tokens alone. */
    public static final String HELD_OUT_TEXT_LOSS = "heldout-text-loss";

    /** Properties of a manifest of a run that chose among its models: the chosen one's folder, in that of the run. */
    public static final String BEST_CHECKPOINT = "best-checkpoint";
    /** See {@link #BEST_CHECKPOINT}: the steps that it has done. */
    public static final String BEST_STEP = "best-step";
    /** See {@link #BEST_CHECKPOINT}: what it was chosen by, the higher the better; a loss counts below 0. */
    public static final String BEST_VALUE = "best-value";
    /** See {@link #BEST_CHECKPOINT}: the name of what it was chosen by. */
    public static final String METRIC = "metric";
    /** Property prefix of the worth of other models, by their number. */
    static final String COMPARED = "compared-";

    private static final String CHECKPOINTS = "checkpoints";

    /**
     * What to train.
     *
     * @param name the command, for progress
     * @param folder of the run
     * @param training shards to train on
     * @param heldOut shards to measure on
     * @param initFrom where a fresh run's weights come from
     * @param model the model
     * @param settings how to train
     * @param cluster on which ranks
     * @param engine on what
     * @param config the job's whole configuration
     * @param inputs what the run is made from, beside the shards
     * @param selection how the result is chosen among the run's models; empty: it is the last one
     * @param teacher whom the model learns from beside the data
     * @param compared other models to measure at the end
     * @param beside models that ranks hold together with the one that they train, the teacher and some of those among them
     */
    public record Task(
            String name,
            String folder,
            String training,
            Optional<String> heldOut,
            Optional<String> initFrom,
            T5Config model,
            TrainingConfig settings,
            ClusterSettings cluster,
            EngineSettings engine,
            ObjectNode config,
            List<Manifest.Input> inputs,
            Optional<TaskSelection> selection,
            Optional<TeacherSpec> teacher,
            List<String> compared,
            List<T5Config> beside) {}

    /** A finished run: its folder, its manifest, and whether it was finished before. */
    public record Finished(Path folder, Manifest manifest, boolean wasComplete) {}

    /** Starts Spark when it is needed, not before. */
    public interface SparkSource {
        /** A session with executors for the ranks. */
        SparkSession start();
    }

    private TrainingRun() {}

    /** Where a run keeps its checkpoints. */
    public static Path checkpoints(Path run) {
        return new Path(run, CHECKPOINTS);
    }

    /**
     * Opens the model in a run's folder, a checkpoint's, a folder of checkpoints or a Hugging Face folder. Of a finished run
     * that chose among its models it is the chosen one, else the newest.
     *
     * @throws UserException where it holds none
     */
    public static ModelSource openModel(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        try {
            FileSystem files = path.getFileSystem(hadoop);
            Optional<String> best = files.exists(checkpoints(path))
                    ? Manifests.find(files, path)
                            .map(manifest -> manifest.properties().get(BEST_CHECKPOINT))
                    : Optional.empty();
            if (best.isPresent()) {
                return ModelSource.open(files, new Path(path, best.get()));
            }
            return ModelSource.open(files, files.exists(checkpoints(path)) ? checkpoints(path) : path);
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + folder + " (" + e.getMessage() + "): check the path and your rights.", e);
        }
    }

    /**
     * Trains to the end, or finds that it is done.
     *
     * @throws UserException for settings that cannot work, before any rank starts
     * @throws ResourceException where the time limit came first
     */
    public static Finished run(SparkSource source, Configuration hadoop, Task task) {
        return advance(source, hadoop, task)
                .orElseThrow(() -> new ResourceException("The time limit of this " + task.name()
                        + " (cluster.time-limit) came before its end: the same command goes on from the checkpoint in "
                        + task.folder() + "."));
    }

    /**
     * Trains to the end or to the time limit, or finds that it is done.
     *
     * @return empty where the time limit came first
     * @throws UserException for settings that cannot work, before any rank starts
     */
    public static Optional<Finished> advance(SparkSource source, Configuration hadoop, Task task) {
        Contradictions found = new Contradictions();
        Optional<RunFolder> opened = found.attempt(() -> RunFolder.open(hadoop, task));
        Optional<Manifest> finished =
                opened.flatMap(folder -> found.attempt(folder::finished).flatMap(manifest -> manifest));
        if (finished.isPresent()) {
            return Optional.of(new Finished(opened.get().path(), finished.get(), true));
        }
        check(hadoop, task, found);
        found.raiseLines();
        RunFolder folder = opened.orElseThrow();
        folder.begin();

        Ranks ranks =
                switch (task.cluster().place()) {
                    case SPARK -> Ranks.inExecutors(source);
                    case HOST -> new Ranks(new HostRanks(), Duration.ZERO, Map.of());
                };
        TrainingRank body = new TrainingRank(spec(ranks.hadoop(), hadoop, task, folder), "");
        ClusterSettings cluster = task.cluster();
        AttemptOptions options = new AttemptOptions(
                cluster.ranks(),
                cluster.minRanks() == 0 ? cluster.ranks() : cluster.minRanks(),
                cluster.maxAttempts(),
                ranks.firstWait(),
                Duration.ofMinutes(2));
        RunSummary summary;
        try (Progress progress =
                Progress.start(task.name(), "steps", task.settings().steps())) {
            CauseTelling launcher = new CauseTelling(ranks.launcher(), body, task.name());
            summary = new AttemptLoop(launcher, options, size -> legal(task, size))
                    .run(body, new StatusPrinter(progress))
                    .get(0);
        }
        if (summary.paused()) {
            return Optional.empty();
        }
        Manifest.Builder manifest = Manifest.builder(KIND)
                .seed(task.settings().seed())
                .config(task.config())
                .count("steps", summary.steps())
                .property("engine", summary.engine());
        folder.inputs().forEach(manifest::input);
        if (Double.isFinite(summary.heldOutLoss())) {
            manifest.property(HELD_OUT_LOSS, summary.heldOutLoss())
                    .property(HELD_OUT_TEXT_LOSS, summary.heldOutTextLoss());
        }
        for (int i = 0; i < task.compared().size(); i++) {
            manifest.property(COMPARED + i, summary.compared().get(i));
        }
        task.selection().ifPresent(selection -> nameBest(folder, selection, manifest));
        TrainingReport.write(folder, task, manifest.build());
        return Optional.of(new Finished(folder.path(), folder.commit(manifest.build()), false));
    }

    private static void nameBest(RunFolder folder, TaskSelection selection, Manifest.Builder manifest) {
        CheckpointRef best = new CheckpointStore(folder.files(), checkpoints(folder.path()))
                .best()
                .orElseThrow(() -> new InternalException("a run that evaluated its models has none with a score"));
        manifest.property(BEST_CHECKPOINT, CHECKPOINTS + "/" + best.folder().getName())
                .property(METRIC, selection.settings().metric())
                .property(BEST_VALUE, -best.score().orElseThrow())
                .count(BEST_STEP, best.step());
    }

    /** Everything that can be known to be wrong before a rank starts. */
    private static void check(Configuration hadoop, Task task, Contradictions found) {
        check(task.model(), task.settings(), task.cluster(), found);
        task.engine()
                .precision()
                .ifPresent(precision -> found.collect(() -> task.model().requirePrecision(precision)));
        // Without its shards, whatever else concerns the data would only be said again.
        found.attempt(() -> shards(hadoop, task.training()))
                .ifPresent(shards -> checkData(hadoop, task, shards, found));
    }

    private static void checkData(Configuration hadoop, Task task, Manifest shards, Contradictions found) {
        int vocabulary = Integer.parseInt(shards.property(ShardLayout.VOCABULARY_SIZE));
        found.check(
                task.model().vocabularySize() >= vocabulary,
                "The shards in " + task.training() + " hold ids up to " + (vocabulary - 1)
                        + " but model.vocabulary-size is " + task.model().vocabularySize() + ": set it to at least "
                        + vocabulary + ".");
        task.heldOut().ifPresent(path -> found.attempt(() -> shards(hadoop, path))
                .ifPresent(heldOut -> found.check(
                        heldOut.property(ShardLayout.VOCABULARY).equals(shards.property(ShardLayout.VOCABULARY)),
                        "The held-out shards in " + path + " were made with another vocabulary than "
                                + task.training()
                                + ": run 'sparkswitch batch' for both with one vocabulary.")));
        task.initFrom().ifPresent(path -> found.collect(() -> checkInitial(hadoop, path, task.model(), shards)));
    }

    /**
     * Notes where the model's settings contradict each other, and experts or rows that cannot be divided among the ranks,
     * with numbers that can.
     */
    static void check(T5Config model, TrainingConfig settings, ClusterSettings cluster, Contradictions found) {
        Contradictions ofModel = new Contradictions();
        model.contradictions(ofModel);
        ofModel.messages().forEach(message -> found.check(false, "model: " + message + "."));
        found.attempt(() -> ExpertPlacement.of(model, cluster.expertParallel(cluster.ranks()), cluster.ranks()));
        found.attempt(() -> settings.microRows(cluster.ranks(), groupRows(model)));
    }

    private static void checkInitial(Configuration hadoop, String path, T5Config model, Manifest shards) {
        try (ModelSource source = openModel(hadoop, path)) {
            String vocabulary = shards.property(ShardLayout.VOCABULARY);
            String trained = source instanceof Checkpoint checkpoint
                    ? checkpoint.manifest().properties().getOrDefault(ShardLayout.VOCABULARY, vocabulary)
                    : vocabulary;
            if (!trained.equals(vocabulary)) {
                throw new UserException("The model in " + path + " was trained with the vocabulary " + trained
                        + ", but the shards were made with " + vocabulary
                        + ": begin with another model, or run 'sparkswitch batch' with the model's vocabulary.");
            }
            ModelWeights.requireFit(model, source.parameters());
        }
    }

    /** The full path of a folder: executors have other working folders than the driver. */
    static String qualified(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        try {
            return path.getFileSystem(hadoop).makeQualified(path).toString();
        } catch (IOException | IllegalArgumentException e) {
            throw new UserException(
                    "The path " + folder + " cannot be used (" + e.getMessage() + "): correct it in the settings.", e);
        }
    }

    private static Manifest shards(Configuration hadoop, String folder) {
        Path path = new Path(folder);
        try {
            FileSystem files = path.getFileSystem(hadoop);
            Manifest manifest = Manifests.require(files, path, Manifest.SHARDS);
            // A rank compares the checksum of a shard before it reads the first row.
            Manifests.verifySizes(files, path, manifest);
            return manifest;
        } catch (IOException e) {
            throw new ResourceException(
                    "Cannot read " + folder + " (" + e.getMessage() + "): check the path and your rights.", e);
        }
    }

    /**
     * The lengths of the rows in a box.
     *
     * @throws IOException where it cannot be read
     */
    public static ShardLayout layout(Configuration hadoop, String box) throws IOException {
        Path path = new Path(box);
        return ShardLayout.of(Manifests.require(path.getFileSystem(hadoop), path, Manifest.SHARDS));
    }

    /** Rows that are routed together. */
    static int groupRows(T5Config model) {
        return model.sparse().map(sparse -> sparse.capacity().rowsOfGroup()).orElse(1);
    }

    /** Whether experts and rows can be divided among that many ranks. */
    private static boolean legal(Task task, int ranks) {
        try {
            ExpertPlacement.of(task.model(), task.cluster().expertParallel(ranks), ranks);
            task.settings().microRows(ranks, groupRows(task.model()));
            return true;
        } catch (UserException e) {
            return false;
        }
    }

    /** The settings of Hadoop's file systems that Spark was given, for executors. */
    static Map<String, String> hadoopSettings(SparkSession spark) {
        Map<String, String> settings = new TreeMap<>();
        for (Tuple2<String, String> entry : spark.sparkContext().conf().getAllWithPrefix("spark.hadoop.")) {
            settings.put(entry._1(), entry._2());
        }
        return settings;
    }

    private static RunSpec spec(Map<String, String> hadoopSettings, Configuration hadoop, Task task, RunFolder folder) {
        JsonNode model = HuggingFaceConfig.write(task.model());
        return new RunSpec(
                folder.path().toString(),
                qualified(hadoop, task.training()),
                task.heldOut().map(path -> qualified(hadoop, path)).orElse(""),
                task.initFrom().map(path -> qualified(hadoop, path)).orElse(""),
                model.toString(),
                Configs.toTree(task.settings()).toString(),
                Configs.toTree(task.engine()).toString(),
                task.cluster().expertParallel(task.cluster().ranks()),
                task.cluster().place(),
                task.cluster().firstCard(),
                task.cluster().timeLimit().map(Instant.now()::plus).orElse(null),
                task.config().toString(),
                folder.inputs().stream()
                        .map(input -> List.of(input.name(), input.path(), input.id()))
                        .toList(),
                hadoopSettings,
                task.selection()
                        .map(selection -> Configs.toTree(selection).toString())
                        .orElse(""),
                task.teacher()
                        .map(teacher -> Configs.toTree(teacher).toString())
                        .orElse(""),
                task.compared().stream().map(other -> qualified(hadoop, other)).toList(),
                task.beside().stream()
                        .map(other -> HuggingFaceConfig.write(other).toString())
                        .toList());
    }

    /** Shows what the ranks report. */
    private static final class StatusPrinter implements Consumer<TrainingStatus> {
        private final Progress progress;
        private boolean started;

        StatusPrinter(Progress progress) {
            this.progress = progress;
        }

        @Override
        public void accept(TrainingStatus status) {
            if (status == null) {
                throw new InternalException("a rank reported nothing");
            }
            if (!started) {
                started = true;
                progress.resumeAt(Math.max(0, status.step() - 1));
            }
            String heldOut = Double.isNaN(status.heldOutLoss())
                    ? ""
                    : String.format(Locale.ROOT, ", held out %.3f", status.heldOutLoss());
            progress.at(
                    status.step(),
                    String.format(
                            Locale.ROOT,
                            "loss %.3f%s, %,.0f tokens/s, %.1f%% dropped",
                            status.loss(),
                            heldOut,
                            status.tokensPerSecond(),
                            100 * status.droppedFraction()));
        }
    }
}
