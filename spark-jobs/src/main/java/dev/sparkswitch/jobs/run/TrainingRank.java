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
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.checkpoint.ModelSource;
import dev.sparkswitch.cluster.TransportEncryption;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.collective.HostTensorCollectives;
import dev.sparkswitch.collective.NettyCollectives;
import dev.sparkswitch.collective.NettyOptions;
import dev.sparkswitch.collective.SingleRank;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import dev.sparkswitch.model.ExpertPlacement;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.SwitchConfig;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.tokenizer.Tokenizer;
import dev.sparkswitch.train.MetricsLog;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.StepMetrics;
import dev.sparkswitch.train.TextTokens;
import dev.sparkswitch.train.Trainer;
import dev.sparkswitch.train.TrainingConfig;
import dev.sparkswitch.train.TrainingJob;
import dev.sparkswitch.train.TrainingMemory;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
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
            return train(context, new SingleRank());
        }
        try (NettyCollectives network =
                NettyCollectives.connect(context, TransportEncryption.ofTask(NettyOptions.defaults()))) {
            try {
                return train(context, new HostTensorCollectives(network));
            } catch (Exception | Error e) {
                network.abort(e);
                throw e;
            }
        }
    }

    private RunSummary train(RankContext context, Collectives collectives) throws IOException {
        Configuration hadoop = spec.configuration();
        Path folder = new Path(spec.folder());
        FileSystem files = folder.getFileSystem(hadoop);
        T5Config config =
                HuggingFaceConfig.read(tree(spec.model()), "the run's model", HuggingFaceConfig.HeadTensor.UNKNOWN);
        TrainingConfig training = Configs.load(TrainingConfig.class, tree(spec.trainingSettings()), List.of());
        EngineSettings engineSettings = Configs.load(EngineSettings.class, tree(spec.engineSettings()), List.of());
        CheckpointStore checkpoints = new CheckpointStore(files, TrainingRun.checkpoints(folder));
        Start start = agree(context, checkpoints);
        int experts = config.sparse().map(SwitchConfig::experts).orElse(spec.expertParallel());
        int expertParallel = Math.min(spec.expertParallel(), context.worldSize());
        Parallelism parallelism =
                new Parallelism(new ExpertPlacement(experts, expertParallel, context.worldSize()), collectives);
        try (Engine engine = engineSettings.inWorldOf(context.worldSize()).open(TaskResources.ofTask());
                ShardSource rows = ShardSource.open(hadoop, new Path(spec.training()));
                Closing<TokenSource> heldOut = Closing.of(
                        RunSpec.given(spec.heldOut()).map(path -> ShardSource.open(hadoop, new Path(path))));
                SwitchTransformer model = new SwitchTransformer(engine, config, parallelism)) {
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
                                    metrics))) {
                requireMemory(context, config, training, parallelism, engine, rows);
                trainer.run();
                StepMetrics.HeldOutLoss last = heldOut.value().isPresent()
                        ? trainer.heldOutLoss()
                        : new StepMetrics.HeldOutLoss(Double.NaN, Double.NaN, 0);
                return new RunSummary(trainer.step(), last.all(), last.text(), engine.description());
            }
        }
    }

    /** A card's memory is another matter. */
    private static void requireMemory(
            RankContext context,
            T5Config config,
            TrainingConfig training,
            Parallelism parallelism,
            Engine engine,
            TokenSource rows) {
        if (engine instanceof Nd4jEngine) {
            ShardLayout layout = rows.layout();
            new ExecutorMemory(TrainingMemory.of(
                            config,
                            training,
                            parallelism.placement(),
                            engine.precision(),
                            layout.inputLength(),
                            layout.targetLength()))
                    .check(context.rank());
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
        if (!shards.properties().containsKey("raw-length")) {
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
