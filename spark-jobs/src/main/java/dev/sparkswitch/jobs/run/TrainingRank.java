package dev.sparkswitch.jobs.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Configs;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.bench.MemoryPlan;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.cluster.TransportEncryption;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.corpus.Vocabulary;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.cuda.CudaEngine;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tokenizer.Tokenizer;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.ModelTeacher;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.Selection;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.Teacher;
import dev.sparkswitch.train.Teaching;
import dev.sparkswitch.train.TextTokens;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one rank of a training run does: meet the others, take up the newest checkpoint, train. */
final class TrainingRank implements RankBody<RunSummary> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(TrainingRank.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final RunSpec spec;
    private final String cause;

    /** @param cause why the attempt before ended; empty for the first */
    TrainingRank(RunSpec spec, String cause) {
        this.spec = spec;
        this.cause = cause;
    }

    /** The same for the attempt that follows a failure. */
    TrainingRank after(String failure) {
        return new TrainingRank(spec, failure);
    }

    @Override
    public RunSummary run(RankContext context) throws Exception {
        if (context.worldSize() == 1) {
            return train(context, engine -> new SingleRank(), e -> {});
        }
        NettyOptions options =
                switch (spec.place()) {
                    case SPARK -> TransportEncryption.ofTask(NettyOptions.defaults());
                    case HOST -> NettyOptions.defaults();
                };
        try (NettyCollectives network = NettyCollectives.connect(context, options)) {
            try {
                return train(context, engine -> Collectives.of(network, engine), network::abort);
            } catch (Exception | Error e) {
                network.abort(e);
                throw e;
            }
        }
    }

    /**
     * @param way how the engine's tensors reach the other ranks
     * @param abort tells them of a failure, before this rank takes leave of them
     */
    private RunSummary train(RankContext context, Function<Engine, Collectives> way, Consumer<Throwable> abort)
            throws IOException {
        EngineSettings engineSettings = Configs.load(EngineSettings.class, tree(spec.engineSettings()), List.of());
        CheckpointStore checkpoints = checkpoints();
        Start start = agree(context, checkpoints);
        try (Engine engine = openAlike(engineSettings, context);
                Collectives collectives = way.apply(engine)) {
            try {
                return train(context, engine, collectives, checkpoints, start);
            } catch (Exception | Error e) {
                abort.accept(e);
                throw e;
            }
        }
    }

    private CheckpointStore checkpoints() throws IOException {
        Path folder = new Path(spec.folder());
        return new CheckpointStore(folder.getFileSystem(spec.configuration()), TrainingRun.checkpoints(folder));
    }

    private RunSummary train(
            RankContext context, Engine engine, Collectives collectives, CheckpointStore checkpoints, Start start)
            throws IOException {
        Configuration hadoop = spec.configuration();
        Path folder = new Path(spec.folder());
        FileSystem files = folder.getFileSystem(hadoop);
        T5Config config = model(spec.model());
        TrainingConfig training = Configs.load(TrainingConfig.class, tree(spec.trainingSettings()), List.of());
        int expertParallel = Math.min(spec.expertParallel(), context.worldSize());
        ExpertPlacement placement = ExpertPlacement.of(config, expertParallel, context.worldSize());
        try (ShardSource rows = ShardSource.open(hadoop, new Path(spec.training()));
                Closing<TokenSource> heldOut = Closing.of(
                        RunSpec.given(spec.heldOut()).map(path -> ShardSource.open(hadoop, new Path(path))));
                SwitchTransformer model =
                        make(context, config, training, new Parallelism(placement, collectives), engine, rows);
                Closing<Teacher> teacher = Closing.of(teacher(hadoop, context, engine, collectives, rows, training));
                Closing<TaskValidation> validation = Closing.of(validation(hadoop, context))) {
            Parallelism parallelism = new Parallelism(placement, collectives);
            LOG.info("rank {} of {} on {}", context.rank(), context.worldSize(), engine.description());
            Optional<MetricsLog> metrics =
                    context.rank() == 0 ? Optional.of(new MetricsLog(files, folder, start.step())) : Optional.empty();
            if (!cause.isEmpty()) {
                metrics.ifPresent(log -> log.event("restart", start.step(), cause));
            }
            try (Closing<ModelSource> initial = Closing.of(RunSpec.given(spec.initFrom())
                            .filter(path -> start.checkpoint().isEmpty())
                            .map(path -> TrainingRun.openModel(hadoop, path)));
                    Trainer trainer = new Trainer(
                            context,
                            model,
                            parallelism,
                            new TrainingJob(
                                            training,
                                            start.attempt(),
                                            rows,
                                            heldOut.value(),
                                            text(rows.manifest(), config),
                                            checkpoints,
                                            start.checkpoint(),
                                            initial.value(),
                                            () -> provenance(rows.manifest(), training),
                                            metrics)
                                    .with(
                                            selection(validation.value()),
                                            teacher.value().map(this::teaching))
                                    .pausingAt(Optional.ofNullable(spec.pauseAt())))) {
                trainer.run();
                StepMetrics.HeldOutLoss last = heldOut.value().isPresent() && !trainer.isPaused()
                        ? trainer.heldOutLoss()
                        : new StepMetrics.HeldOutLoss(Double.NaN, Double.NaN, 0);
                List<Double> compared = new ArrayList<>();
                for (String other : trainer.isPaused() ? List.<String>of() : spec.compared()) {
                    Optional<SwitchTransformer> loaded = teacher.value().flatMap(told -> loaded(told, other));
                    compared.add(
                            loaded.isPresent()
                                    ? trainer.measure(loaded.get()).value()
                                    : worth(trainer, other, hadoop, engine, context.worldSize(), collectives));
                }
                if (context.rank() == 0) {
                    new RunCosts(
                                    context.worldSize(),
                                    ParameterSpecs.count(config),
                                    engine.memoryBytes(),
                                    trainer.startSeconds(),
                                    trainer.stallSeconds())
                            .write(files, folder);
                }
                return new RunSummary(
                        trainer.step(), trainer.isPaused(), last.all(), last.text(), engine.description(), compared);
            }
        }
    }

    /**
     * The model, without weights yet, once it is known that memory suffices for it, its training and the models beside it. Of
     * a card's memory it is said what a step will take.
     */
    private SwitchTransformer make(
            RankContext context,
            T5Config config,
            TrainingConfig training,
            Parallelism parallelism,
            Engine engine,
            TokenSource rows) {
        ShardLayout layout = rows.layout();
        if (engine instanceof CudaEngine card) {
            MemoryPlan plan = MemoryPlan.of(
                    config,
                    training,
                    parallelism.placement(),
                    engine.precision(),
                    layout.inputLength(),
                    layout.targetLength());
            long free = card.freeBytes();
            if (context.rank() == 0) {
                LOG.info(plan.table(free));
            }
            if (!plan.fits(free)) {
                LOG.warn(
                        "the card of rank {} may run out of memory: raise training.accumulation, set"
                                + " training.recomputation=branches or spread the experts over more ranks",
                        context.rank());
            }
        } else if (engine instanceof Nd4jEngine) {
            ExecutorMemory.of(
                            config,
                            spec.beside().stream().map(TrainingRank::model).toList(),
                            training,
                            parallelism.placement(),
                            engine.precision(),
                            layout.inputLength(),
                            layout.targetLength())
                    .check(context.rank());
        }
        return new SwitchTransformer(engine, config, parallelism);
    }

    private static T5Config model(String json) {
        return HuggingFaceConfig.read(tree(json), "the run's model", HuggingFaceConfig.HeadTensor.UNKNOWN);
    }

    /** This rank's engine, once every rank has one of the same kind: what they exchange must mean the same to all. */
    private Engine openAlike(EngineSettings settings, RankContext context) {
        Engine engine = settings.open(resources(context));
        try {
            List<String> kinds = context.allGather(kind(engine) + " " + engine.precision());
            for (int rank = 1; rank < kinds.size(); rank++) {
                if (!kinds.get(rank).equals(kinds.get(0))) {
                    throw new UserException(
                            "Rank 0 computes with " + kinds.get(0).toLowerCase(Locale.ROOT) + " and rank "
                                    + rank + " with " + kinds.get(rank).toLowerCase(Locale.ROOT)
                                    + ": set engine.kind and engine.precision to what all of them have.");
                }
            }
            return engine;
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    private static EngineKind kind(Engine engine) {
        return engine instanceof CudaEngine ? EngineKind.CUDA : EngineKind.ND4J;
    }

    /** What this rank may use: what Spark gave its task, or its share of this host. */
    private RankResources resources(RankContext context) {
        return switch (spec.place()) {
            case SPARK -> TaskResources.ofTask();
            case HOST -> {
                int cores = RankResources.wholeMachine().cores();
                yield new RankResources(Math.max(1, cores / context.worldSize()), spec.firstCard() + context.rank());
            }
        };
    }

    private Optional<TeacherSpec> teacher() {
        return RunSpec.given(spec.teacher()).map(text -> Configs.load(TeacherSpec.class, tree(text), List.of()));
    }

    private Optional<Teacher> teacher(
            Configuration hadoop,
            RankContext context,
            Engine engine,
            Collectives collectives,
            ShardSource rows,
            TrainingConfig training)
            throws IOException {
        Optional<TeacherSpec> told = teacher();
        return told.isEmpty()
                ? Optional.empty()
                : Optional.of(Teachers.open(hadoop, told.get(), spec, context, engine, collectives, rows, training));
    }

    /** The model in {@code folder}, where it is the teacher that runs beside the student. */
    private Optional<SwitchTransformer> loaded(Teacher teacher, String folder) {
        return teacher instanceof ModelTeacher beside
                        && teacher().orElseThrow().model().equals(folder)
                ? Optional.of(beside.model())
                : Optional.empty();
    }

    private Teaching teaching(Teacher teacher) {
        TeacherSpec told = teacher().orElseThrow();
        return new Teaching(teacher, told.softShare(), told.temperature());
    }

    private Optional<TaskSelection> chosenBy() {
        return RunSpec.given(spec.selection()).map(text -> Configs.load(TaskSelection.class, tree(text), List.of()));
    }

    private Optional<Selection> selection(Optional<TaskValidation> validation) {
        return chosenBy()
                .map(told -> new Selection(
                        validation.map(given -> given), told.settings().patience()));
    }

    private Optional<TaskValidation> validation(Configuration hadoop, RankContext context) {
        return chosenBy()
                .filter(told -> !told.examples().isEmpty())
                .map(told -> new TaskValidation(
                        ValidationExamples.read(hadoop, new Path(told.examples())),
                        told,
                        Vocabulary.open(hadoop, told.vocabulary()).tokenizer(),
                        context.rank(),
                        context.worldSize()));
    }

    /** What another model is worth on the same held-out rows and examples. */
    private double worth(
            Trainer trainer,
            String folder,
            Configuration hadoop,
            Engine engine,
            int worldSize,
            Collectives collectives) {
        try (LoadedModel other = LoadedModel.open(hadoop, folder, engine, worldSize, spec, collectives)) {
            return trainer.measure(other.model()).value();
        }
    }

    /** Where an attempt begins. */
    private record Start(int attempt, long step, Optional<CheckpointRef> checkpoint) {}

    /** Rank 0 opens the attempt and looks for the newest sound checkpoint; all take what it found. */
    private static Start agree(RankContext context, CheckpointStore checkpoints) {
        String found = "";
        if (context.rank() == 0) {
            int attempt = checkpoints.startAttempt();
            found = attempt + " "
                    + checkpoints
                            .newestValid()
                            .map(ref -> ref.folder().getName())
                            .orElse("");
        }
        String[] parts = context.allGather(found).get(0).split(" ", 2);
        String name = parts[1];
        Optional<CheckpointRef> start = checkpoints.committed().stream()
                .filter(ref -> ref.folder().getName().equals(name))
                .findFirst();
        if (!name.isEmpty() && start.isEmpty()) {
            throw new InternalException("Rank 0 found the checkpoint " + name + " but rank " + context.rank()
                    + " does not see it; the run's folder must be on a file system that all executors share.");
        }
        return new Start(
                Integer.parseInt(parts[0]), start.map(CheckpointRef::step).orElse(0L), start);
    }

    /** Span corruption's targets hold sentinels, which are no text; other data has none. */
    private static Optional<TextTokens> text(Manifest shards, T5Config config) {
        if (shards.properties().keySet().stream().noneMatch(key -> key.startsWith(ShardLayout.RAW_LENGTH_OF))) {
            return Optional.empty();
        }
        int size = Integer.parseInt(shards.property(ShardLayout.VOCABULARY_SIZE));
        // Padding and the end of sequence have the lowest ids, sentinels the highest.
        int first = Math.max(config.padId(), config.eosId()) + 1;
        return Optional.of(new TextTokens(first, size - Tokenizer.SENTINELS));
    }

    private Manifest.Builder provenance(Manifest shards, TrainingConfig training) {
        Manifest.Builder builder = Manifest.builder(Manifest.CHECKPOINT)
                .seed(training.seed())
                .config(tree(spec.config()))
                .property(ShardLayout.VOCABULARY, shards.property(ShardLayout.VOCABULARY))
                .property(ShardLayout.VOCABULARY_SIZE, shards.property(ShardLayout.VOCABULARY_SIZE));
        for (List<String> input : spec.inputs()) {
            builder.input(input.get(0), input.get(1), input.get(2));
        }
        return builder;
    }

    private static JsonNode tree(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new InternalException("a run's settings reached the executor damaged", e);
        }
    }

    /** A resource that may not be there. */
    private record Closing<T extends AutoCloseable>(Optional<T> value) implements AutoCloseable {
        static <T extends AutoCloseable> Closing<T> of(Optional<? extends T> value) {
            return new Closing<>(value.map(present -> present));
        }

        @Override
        public void close() {
            value.ifPresent(present -> {
                try {
                    present.close();
                } catch (Exception e) {
                    LOG.warn("Closing {} failed", present, e);
                }
            });
        }
    }
}
