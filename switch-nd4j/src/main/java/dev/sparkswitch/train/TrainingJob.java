package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.checkpoint.CheckpointRef;
import dev.sparkswitch.checkpoint.CheckpointStore;
import dev.sparkswitch.checkpoint.ModelSource;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a trainer works on, the same on every rank.
 *
 * @param config how to train
 * @param attempt the number of this attempt in the store of checkpoints, above that of every earlier one
 * @param training the rows to train on
 * @param heldOut the rows to measure the loss on, if any
 * @param text tells text from sentinels in the held-out loss; empty where all ids are text
 * @param checkpoints where checkpoints go
 * @param start the checkpoint to go on from
 * @param initial the model whose weights a fresh run begins with; none for random weights
 * @param provenance makes the beginning of a checkpoint's manifest: its kind, configuration and inputs
 * @param metrics the log, on rank 0 alone
 * @param selection which of the models is the result; empty: the last one
 * @param teaching the teacher of a student; empty: the data alone is learned
 * @param pauseAt when training stops with a checkpoint, to go on another time
 */
public record TrainingJob(
        TrainingConfig config,
        int attempt,
        TokenSource training,
        Optional<TokenSource> heldOut,
        Optional<TextTokens> text,
        CheckpointStore checkpoints,
        Optional<CheckpointRef> start,
        Optional<ModelSource> initial,
        Supplier<Manifest.Builder> provenance,
        Optional<MetricsLog> metrics,
        Optional<Selection> selection,
        Optional<Teaching> teaching,
        Optional<Instant> pauseAt) {
    /** A job that learns from the data alone and whose last model is the result. */
    public TrainingJob(
            TrainingConfig config,
            int attempt,
            TokenSource training,
            Optional<TokenSource> heldOut,
            Optional<TextTokens> text,
            CheckpointStore checkpoints,
            Optional<CheckpointRef> start,
            Optional<ModelSource> initial,
            Supplier<Manifest.Builder> provenance,
            Optional<MetricsLog> metrics) {
        this(
                config,
                attempt,
                training,
                heldOut,
                text,
                checkpoints,
                start,
                initial,
                provenance,
                metrics,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** The same with a choice among the models and a teacher. */
    public TrainingJob with(Optional<Selection> otherSelection, Optional<Teaching> otherTeaching) {
        return new TrainingJob(
                config,
                attempt,
                training,
                heldOut,
                text,
                checkpoints,
                start,
                initial,
                provenance,
                metrics,
                otherSelection,
                otherTeaching,
                pauseAt);
    }

    /** The same with a time to stop at. */
    public TrainingJob pausingAt(Optional<Instant> time) {
        return new TrainingJob(
                config,
                attempt,
                training,
                heldOut,
                text,
                checkpoints,
                start,
                initial,
                provenance,
                metrics,
                selection,
                teaching,
                time);
    }
}
