package dev.sparkswitch.train;

import dev.sparkswitch.checkpoint.Checkpoint;
import dev.sparkswitch.checkpoint.CheckpointFiles;
import dev.sparkswitch.checkpoint.CheckpointState;
import dev.sparkswitch.checkpoint.CheckpointWriter;
import dev.sparkswitch.checkpoint.ModelWeights;
import dev.sparkswitch.checkpoint.Retention;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.collective.RankGroup;
import dev.sparkswitch.model.Parallelism;
import dev.sparkswitch.model.Parameter;
import dev.sparkswitch.model.Role;
import dev.sparkswitch.model.SwitchTransformer;
import java.util.ArrayList;
import java.util.List;

/**
 * A trainer's checkpoints: rank 0 writes what all ranks hold, the ranks of the first replica write their experts, and rank 0
 * commits when all have done so.
 */
final class TrainerCheckpoints {
    private final RankContext context;
    private final SwitchTransformer model;
    private final Optimizer optimizer;
    private final Parallelism parallelism;
    private final TrainingJob job;

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
    }

    /** Loads the job's checkpoint, or begins afresh; returns where the run stands. */
    CheckpointState restore() {
        if (job.start().isEmpty()) {
            if (job.initial().isPresent()) {
                ModelWeights.load(model, job.initial().get().parameters());
            } else {
                TrainingConfig config = job.config();
                new Initializer(config.seed(), config.initScale(), config.embeddingInit()).initialize(model);
            }
            return new CheckpointState(0, 0, job.config().seed());
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

    /** Writes and commits a checkpoint; every rank calls it after the same step. */
    void save(CheckpointState state) {
        CheckpointWriter writer = job.checkpoints().begin(state.step(), job.attempt());
        int rank = context.rank();
        if (rank == 0) {
            writer.add(CheckpointFiles.DENSE, parameters(false));
            writer.add(CheckpointFiles.OPTIMIZER_DENSE, optimizerState(false));
        }
        if (rank < parallelism.placement().expertParallel()
                && model.config().sparse().isPresent()) {
            writer.add(CheckpointFiles.experts(rank), parameters(true));
            writer.add(CheckpointFiles.optimizerExperts(rank), optimizerState(true));
        }
        writer.announce(rank);
        RankGroup world = RankGroup.world(context.worldSize());
        parallelism.collectives().barrier(world);
        if (rank == 0) {
            job.checkpoints()
                    .commit(
                            writer,
                            model.config(),
                            state,
                            job.provenance().get(),
                            writer.announced(context.worldSize()));
            job.checkpoints()
                    .retain(
                            new Retention(
                                    job.config().keepCheckpoints(),
                                    job.selection().isPresent() ? 1 : 0),
                            job.attempt());
        }
        parallelism.collectives().barrier(world);
    }

    private List<TensorSource> parameters(boolean ofExperts) {
        List<TensorSource> sources = new ArrayList<>();
        for (Parameter parameter : model.parameters().all()) {
            if ((parameter.spec().role() == Role.EXPERT) == ofExperts) {
                sources.add(ModelWeights.source(model.engine(), parameter.spec().name(), parameter.value()));
            }
        }
        return sources;
    }

    private List<TensorSource> optimizerState(boolean ofExperts) {
        List<TensorSource> sources = new ArrayList<>();
        for (Optimizer.StateTensor state : optimizer.state()) {
            if ((state.role() == Role.EXPERT) == ofExperts) {
                sources.add(ModelWeights.source(model.engine(), state.name(), state.value()));
            }
        }
        return sources;
    }
}
