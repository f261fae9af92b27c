package dev.sparkswitch.tests.survive;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.cluster.AttemptLoop;
import dev.sparkswitch.cluster.AttemptOptions;
import dev.sparkswitch.cluster.RankLauncher;
import dev.sparkswitch.collective.HostCollectives;
import dev.sparkswitch.collective.HostTensorCollectives;
import dev.sparkswitch.collective.InProcessCollectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.CapacityConfig;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tests.Curves;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import dev.sparkswitch.train.TrainingStatus;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * A training run on threads of this JVM, through the driver's own loop of attempts: what a run on Spark does, without Spark.
 * The setters say what is to go wrong.
 */
final class LocalRun {
    static final int VOCABULARY = 61;
    static final int ROWS = 16;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The ranks' way to each other; made once an attempt. */
    interface Network {
        /** The collectives of every rank of a world, in rank order. */
        List<HostCollectives> world(int attempt, int worldSize);
    }

    private final Path folder;
    private final List<String> settings;
    private Precision precision = Precision.FLOAT32;
    private int ranks = 1;
    private int minRanks = 1;
    private Function<Integer, Integer> available = attempt -> Integer.MAX_VALUE;
    private Function<Engine, Engine> engines = engine -> engine;
    private Function<TokenSource, TokenSource> rows = source -> source;
    private FileSystem files = local();
    private Network network = (attempt, worldSize) -> List.copyOf(InProcessCollectives.world(worldSize));
    private Consumer<TrainingStatus> progress = status -> {};
    private final List<Integer> worlds = new ArrayList<>();
    private final List<Long> starts = new ArrayList<>();
    private final List<String> causes = new ArrayList<>();

    LocalRun(Path folder, String... settings) {
        this.folder = folder;
        this.settings = new ArrayList<>(List.of(
                "steps=12",
                "rows=" + ROWS,
                "seed=7",
                "checkpoint-every=4",
                "log-every=1",
                "learning-rate.schedule=constant",
                "learning-rate.rate=0.05",
                "learning-rate.warm-up=5",
                "adafactor.min-factored-dim=8"));
        this.settings.addAll(List.of(settings));
    }

    LocalRun on(int worldSize) {
        ranks = worldSize;
        minRanks = worldSize;
        return this;
    }

    LocalRun atLeastOn(int fewest) {
        minRanks = fewest;
        return this;
    }

    LocalRun in(Precision other) {
        precision = other;
        return this;
    }

    /** The executors that are there for each attempt. */
    LocalRun withExecutors(Function<Integer, Integer> count) {
        available = count;
        return this;
    }

    LocalRun withEngine(Function<Engine, Engine> wrapper) {
        engines = wrapper;
        return this;
    }

    LocalRun withRows(Function<TokenSource, TokenSource> wrapper) {
        rows = wrapper;
        return this;
    }

    LocalRun withFiles(FileSystem fileSystem) {
        files = fileSystem;
        return this;
    }

    LocalRun withNetwork(Network other) {
        network = other;
        return this;
    }

    LocalRun withProgress(Consumer<TrainingStatus> watcher) {
        progress = watcher;
        return this;
    }

    static FileSystem local() {
        try {
            return FileSystem.getLocal(new Configuration(false));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The sizes of the worlds of all attempts. */
    List<Integer> worlds() {
        return worlds;
    }

    /** The steps that were done when each attempt began. */
    List<Long> starts() {
        return starts;
    }

    /** Why attempts ended, but the last. */
    List<String> causes() {
        return causes;
    }

    CheckpointStore store() {
        return new CheckpointStore(files, new org.apache.hadoop.fs.Path(uri(), "checkpoints"));
    }

    private org.apache.hadoop.fs.Path uri() {
        return files.makeQualified(new org.apache.hadoop.fs.Path(folder.toString()));
    }

    /** The lines of {@code metrics.jsonl} without what a clock says. */
    List<JsonNode> curve() throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(MetricsLog.NAME))) {
            lines.add(Curves.withoutTimes((ObjectNode) JSON.readTree(line)));
        }
        return lines;
    }

    /** Trains to the end; every parameter then, by name. */
    Map<String, double[]> run() {
        RankBody<HashMap<String, double[]>> body = this::unreachable;
        Threads launcher = new Threads();
        AttemptOptions options = AttemptOptions.of(ranks)
                .withMinRanks(minRanks)
                .withMaxAttempts(4)
                .withReplacementWait(Duration.ofMillis(10));
        Map<String, double[]> values = new HashMap<>();
        new AttemptLoop(launcher, options, world -> ROWS % (2 * world) == 0 && 4 % world == 0)
                .run(body, progress)
                .forEach(values::putAll);
        return values;
    }

    private HashMap<String, double[]> unreachable(RankContext context) {
        throw new AssertionError("the launcher puts its own body in the place of " + context);
    }

    /** Opens an attempt for all its ranks, then runs them. */
    private final class Threads implements RankLauncher {
        private int launches;

        @Override
        public int awaitRanks(int wanted, Duration wait) {
            return Math.min(wanted, available.apply(launches));
        }

        @Override
        public String describe() {
            return available.apply(launches) + " threads";
        }

        @Override
        @SuppressWarnings("unchecked")
        public <R extends Serializable> List<RankOutcome<R>> run(
                int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> watcher) {
            launches++;
            worlds.add(worldSize);
            CheckpointStore store = store();
            int number = store.startAttempt();
            Optional<CheckpointRef> start = store.newestValid();
            starts.add(start.map(CheckpointRef::step).orElse(0L));
            List<HostCollectives> world = network.world(attempt, worldSize);
            List<RankOutcome<HashMap<String, double[]>>> outcomes = LocalRanks.run(
                    worldSize,
                    attempt,
                    context -> {
                        try (HostCollectives own = world.get(context.rank())) {
                            try {
                                return train(context, number, start, own);
                            } catch (Exception | Error e) {
                                own.abort(e);
                                throw e;
                            }
                        }
                    },
                    watcher);
            RankOutcome.rootCause(outcomes).ifPresent(failure -> causes.add(failure.message()));
            List<RankOutcome<R>> same = new ArrayList<>();
            outcomes.forEach(outcome -> same.add((RankOutcome<R>) outcome));
            return same;
        }
    }

    /** Four experts in two sparse layers; dropout, jitter, drops and expert dropout on. */
    static T5Config model() {
        return T5Config.builder()
                .vocabularySize(VOCABULARY)
                .modelSize(16)
                .keySize(4)
                .heads(4)
                .feedForwardSize(24)
                .encoderLayers(2)
                .decoderLayers(2)
                .dropout(0.1)
                .sparse(SwitchConfig.of(4, 1, 1, CapacityConfig.group(2, 1.0, 2.0, 2)).toBuilder()
                        .expertDropout(0.2)
                        .build())
                .build();
    }

    private HashMap<String, double[]> train(
            RankContext context, int attempt, Optional<CheckpointRef> start, HostCollectives collectives) {
        TrainingConfig config = Configs.load(TrainingConfig.class, JsonNodeFactory.instance.objectNode(), settings);
        Parallelism parallelism = new Parallelism(
                new ExpertPlacement(4, context.worldSize(), context.worldSize()),
                new HostTensorCollectives(collectives));
        Optional<MetricsLog> metrics = context.rank() > 0
                ? Optional.empty()
                : Optional.of(new MetricsLog(
                        local(),
                        new org.apache.hadoop.fs.Path(folder.toUri()),
                        start.map(CheckpointRef::step).orElse(0L)));
        try (Engine engine = engines.apply(new Nd4jEngine(precision, 1));
                SwitchTransformer model = new SwitchTransformer(engine, model(), parallelism);
                TokenSource source = rows.apply(new Rows(1000));
                Trainer trainer = new Trainer(
                        context,
                        model,
                        parallelism,
                        new TrainingJob(
                                config,
                                attempt,
                                source,
                                Optional.empty(),
                                Optional.empty(),
                                store(),
                                start,
                                Optional.empty(),
                                () -> Manifest.builder(Manifest.CHECKPOINT),
                                metrics))) {
            trainer.run();
            HashMap<String, double[]> values = new HashMap<>();
            for (Parameter parameter : model.parameters().all()) {
                values.put(parameter.spec().name(), model.download(parameter.value()));
            }
            return values;
        }
    }
}
