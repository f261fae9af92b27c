package dev.sparkswitch.train;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.CheckpointFiles;
import dev.sparkswitch.checkpoint.CheckpointState;
import dev.sparkswitch.checkpoint.CheckpointWriter;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.Retention;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.SwitchTransformer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A trainer's checkpoints. Training stops while each rank copies its share of the tensors to host memory, and goes on while
 * a thread of its own writes them: dense tensors are shared out over all ranks, the ranks of the first replica write their
 * experts. Rank 0's thread commits when it finds the announcements of all ranks. A failure of that thread is the rank's:
 * it comes up at the end of the step under way.
 */
final class TrainerCheckpoints implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainerCheckpoints.class);
    /** Shorter than the time that the driver leaves a rank to end once another has failed. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private static final long POLL_MILLIS = 5;
    private static final long LONGEST_POLL_MILLIS = 1000;

    private final RankContext context;
    private final SwitchTransformer model;
    private final Optimizer optimizer;
    private final Parallelism parallelism;
    private final TrainingJob job;
    private final HostSnapshot snapshot;
    private final BackgroundWriter background;
    private long stallNanos;

    TrainerCheckpoints(
            RankContext context,
            SwitchTransformer model,
            Optimizer optimizer,
            Parallelism parallelism,
            TrainingJob job) {
        this.context = context;
        this.model = model;
        this.optimizer = optimizer;
        this.parallelism = parallelism;
        this.job = job;
        this.snapshot = new HostSnapshot(model.engine());
        this.background = new BackgroundWriter("checkpoint-writer-of-rank-" + context.rank(), PATIENCE);
    }

    /**
     * Begins to make the memory of the copies that checkpoints are written from, beside the thread that trains: to be called once
     * all tensors are there, for a run that will take a checkpoint.
     */
    void prepare() {
        List<HostSnapshot.Named> tensors = new ArrayList<>();
        for (Share share : shares()) {
            tensors.addAll(share.tensors());
        }
        snapshot.prepare(tensors);
    }

    /** Loads the job's checkpoint, or begins afresh; returns where the run stands. */
    CheckpointState restore() {
        if (job.start().isEmpty()) {
            TrainingConfig config = job.config();
            if (job.initial().isPresent()) {
                ModelWeights.load(model, job.initial().get().parameters());
            } else {
                new Initializer(config.seed(), config.initScale(), config.embeddingInit()).initialize(model);
            }
            return new CheckpointState(0, 0, config.seed());
        }
        try (Checkpoint checkpoint = job.checkpoints().load(job.start().get())) {
            ModelWeights.load(model, checkpoint.parameters());
            for (Optimizer.StateTensor state : optimizer.state()) {
                model.engine()
                        .upload(
                                state.value(),
                                checkpoint
                                        .optimizer()
                                        .read(state.name(), state.value().type()));
            }
            return checkpoint.state();
        }
    }

    /**
     * Takes a checkpoint; every rank calls it after the same step. Returns when the tensors may change again, which is before
     * the checkpoint is committed; waits for the one before, should it still be on its way.
     */
    void save(CheckpointState state) {
        long start = System.nanoTime();
        background.await();
        List<Part> parts = parts();
        long stall = System.nanoTime() - start;
        stallNanos += stall;
        CheckpointWriter writer = job.checkpoints().begin(state.step(), job.attempt());
        background.start(() -> write(writer, parts, state, stall));
    }

    /** Fails as the thread that writes did, if it has; called after every step. */
    void check() {
        background.check();
    }

    /** Waits until the last checkpoint is committed; every rank calls it. */
    void finish() {
        long start = System.nanoTime();
        background.await();
        parallelism.collectives().barrier(RankGroup.world(context.worldSize()));
        stallNanos += System.nanoTime() - start;
    }

    /** Seconds in which this rank could not train because of checkpoints. */
    double stallSeconds() {
        return stallNanos / 1e9;
    }

    /** A file of this rank, with its contents. */
    private record Part(String file, List<TensorSource> tensors) {}

    /** A file of this rank, with the tensors that it is to hold. */
    private record Share(String file, List<HostSnapshot.Named> tensors) {}

    private List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        for (Share share : shares()) {
            parts.add(new Part(share.file(), snapshot.copy(share.tensors())));
        }
        return parts;
    }

    private List<Share> shares() {
        List<Named> parameters = new ArrayList<>();
        for (Parameter parameter : model.parameters().all()) {
            parameters.add(new Named(
                    parameter.spec().name(), parameter.value(), parameter.spec().role()));
        }
        List<Named> states = new ArrayList<>();
        for (Optimizer.StateTensor state : optimizer.state()) {
            states.add(new Named(state.name(), state.value(), state.role()));
        }
        int rank = context.rank();
        List<Share> shares = new ArrayList<>();
        add(shares, CheckpointFiles.dense(rank), shareOfDense(parameters));
        add(shares, CheckpointFiles.optimizerDense(rank), shareOfDense(states));
        if (rank < parallelism.placement().expertParallel()) {
            add(shares, CheckpointFiles.experts(rank), ofExperts(parameters));
            add(shares, CheckpointFiles.optimizerExperts(rank), ofExperts(states));
        }
        return shares;
    }

    private static void add(List<Share> shares, String file, List<Named> tensors) {
        if (!tensors.isEmpty()) {
            shares.add(new Share(
                    file,
                    tensors.stream()
                            .map(tensor -> new HostSnapshot.Named(tensor.name(), tensor.value()))
                            .toList()));
        }
    }

    private record Named(String name, Tensor value, Role role) {}

    private static List<Named> ofExperts(List<Named> tensors) {
        return tensors.stream().filter(tensor -> tensor.role() == Role.EXPERT).toList();
    }

    /** This rank's part of the tensors that all ranks hold: the largest first, each to the rank with least so far. */
    private List<Named> shareOfDense(List<Named> tensors) {
        List<Named> dense = new ArrayList<>(
                tensors.stream().filter(tensor -> tensor.role() != Role.EXPERT).toList());
        dense.sort(Comparator.comparingLong((Named tensor) -> -tensor.value().size())
                .thenComparing(Named::name));
        long[] sizes = new long[context.worldSize()];
        List<Named> own = new ArrayList<>();
        for (Named tensor : dense) {
            int least = 0;
            for (int rank = 1; rank < sizes.length; rank++) {
                least = sizes[rank] < sizes[least] ? rank : least;
            }
            sizes[least] += tensor.value().size();
            if (least == context.rank()) {
                own.add(tensor);
            }
        }
        return own;
    }

    /** On the thread that writes. */
    private void write(CheckpointWriter writer, List<Part> parts, CheckpointState state, long stall) {
        long start = System.nanoTime();
        for (Part part : parts) {
            writer.add(part.file(), part.tensors());
        }
        writer.announce(context.rank());
        if (context.rank() > 0) {
            return;
        }
        awaitAnnouncements(writer);
        job.checkpoints()
                .commit(writer, model.config(), state, job.provenance().get(), writer.announced(context.worldSize()));
        job.checkpoints()
                .retain(
                        new Retention(
                                job.config().keepCheckpoints(), job.selection().isPresent() ? 1 : 0),
                        job.attempt());
        LOG.info(
                "checkpoint of step {}: training waited {} ms, it was written in {} s; rank 0 keeps a copy of {} MiB",
                state.step(),
                TimeUnit.NANOSECONDS.toMillis(stall),
                String.format(Locale.ROOT, "%.2f", (System.nanoTime() - start) / 1e9),
                snapshot.bytes() >> 20);
    }

    /** Ranks that fail end the attempt, and with it this waiting. */
    private void awaitAnnouncements(CheckpointWriter writer) {
        long pause = POLL_MILLIS;
        for (int rank = 0; rank < context.worldSize(); rank++) {
            while (!writer.hasAnnounced(rank)) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pause));
                if (Thread.currentThread().isInterrupted()) {
                    throw new ResourceException("the checkpoint in " + writer.folder()
                            + " is not kept: the attempt ended before rank " + rank + " had written its part");
                }
                pause = Math.min(2 * pause, LONGEST_POLL_MILLIS);
            }
        }
    }

    /** Lets a checkpoint that is on its way be committed, if it takes but a moment. */
    @Override
    public void close() {
        snapshot.close();
        background.close();
    }
}
