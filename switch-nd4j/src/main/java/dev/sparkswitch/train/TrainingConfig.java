package dev.sparkswitch.train;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.Contradictions;
import dev.sparkswitch.model.Recomputation;
import java.time.Duration;
import java.util.Optional;

/**
 * How a model is trained.
 *
 * @param steps optimizer steps
 * @param time the time in training steps after which a run ends, should it have steps left; evaluation and checkpoints apart
 * @param rows rows a step, over all ranks and micro-batches
 * @param accumulation micro-batches a rank runs for one step
 * @param recomputation what a backward pass makes again instead of keeping it
 * @param exchangeChunks parts in which a rank's experts exchange tokens with other ranks, each while another is computed; 0 for
 *     as many as serve
 * @param bucketBytes bytes of gradients, at least, that ranks sum at a time while a backward pass completes others
 * @param seed the seed of every random number
 * @param initScale s of the initial weights' sigma = sqrt(s / fan_in)
 * @param embeddingInit sigma of the initial embeddings; 1 in T5, which trains on a million tokens a step, less where steps
 *     are small
 * @param learningRate the learning rate's course
 * @param optimizer the rule of the updates
 * @param adafactor Adafactor's constants
 * @param adamw AdamW's constants
 * @param labelSmoothing the share of the target's probability spread over the vocabulary
 * @param zLoss the coefficient of the squared logsumexp of the language model's logits
 * @param evaluateEvery steps between evaluations on held-out rows
 * @param heldOutRows held-out rows of an evaluation, at most
 * @param checkpointEvery steps between checkpoints
 * @param checkpointAtEnd whether the last step's model is kept, too; without it a run leaves its measurements and what
 *     checkpoints there were before
 * @param keepCheckpoints how many of the newest checkpoints stay
 * @param logEvery steps between lines of metrics
 * @param divergence what counts as divergence, and what follows
 */
public record TrainingConfig(
        @Setting(value = "10000", help = "optimizer steps") int steps,

        @Setting(help = "end after this time in training steps, such as 30m, should there be steps left")
        Optional<Duration> time,

        @Setting(value = "64", help = "rows a step, over all ranks and micro-batches")
        int rows,

        @Setting(value = "1", help = "micro-batches a rank runs for one step")
        int accumulation,

        @Setting(value = "none", help = "none, or branches: less memory for a third more arithmetic, same results")
        Recomputation recomputation,

        @Setting(value = "0", help = "parts in which a rank's experts exchange tokens, at most one for each; 0 chooses")
        int exchangeChunks,

        @Setting(value = "33554432", help = "bytes of gradients that ranks sum at a time, beside the backward pass")
        int bucketBytes,

        @Setting(value = "0", help = "seed of every random number")
        long seed,

        @Setting(value = "0.1", help = "initial weights have sigma sqrt(init-scale / fan-in)")
        double initScale,

        @Setting(value = "1.0", help = "sigma of the initial embeddings")
        double embeddingInit,

        @Setting(value = "{}", help = "course of the learning rate")
        LearningRate learningRate,

        @Setting(value = "adafactor", help = "adafactor or adamw")
        OptimizerKind optimizer,

        @Setting(value = "{}", help = "constants of Adafactor")
        AdafactorConfig adafactor,

        @Setting(value = "{}", help = "constants of AdamW") AdamWConfig adamw,

        @Setting(value = "0.0", help = "share of the target's probability spread evenly")
        double labelSmoothing,

        @Setting(value = "0.0", help = "coefficient of the language model's z-loss")
        double zLoss,

        @Setting(value = "200", help = "steps between evaluations on held-out rows")
        int evaluateEvery,

        @Setting(value = "512", help = "held-out rows of an evaluation, at most")
        int heldOutRows,

        @Setting(value = "200", help = "steps between checkpoints")
        int checkpointEvery,

        @Setting(value = "true", help = "whether there is a checkpoint of the last step, too")
        boolean checkpointAtEnd,

        @Setting(value = "2", help = "newest checkpoints that stay")
        int keepCheckpoints,

        @Setting(value = "10", help = "steps between lines of metrics")
        int logEvery,

        @Setting(value = "{}", help = "what counts as divergence, and what follows")
        DivergenceConfig divergence) {
    public TrainingConfig {
        Contradictions.none(found -> found.atLeast(1, "steps", steps)
                .check(time.isEmpty() || time.get().toNanos() > 0, "time must be more than nothing")
                .atLeast(1, "rows", rows)
                .atLeast(1, "accumulation", accumulation)
                .atLeast(0, "exchange-chunks", exchangeChunks)
                .atLeast(1, "bucket-bytes", bucketBytes)
                .atLeast(1, "evaluate-every", evaluateEvery)
                .atLeast(1, "held-out-rows", heldOutRows)
                .atLeast(1, "checkpoint-every", checkpointEvery)
                .atLeast(1, "keep-checkpoints", keepCheckpoints)
                .atLeast(1, "log-every", logEvery)
                .fraction("label-smoothing", labelSmoothing));
    }

    /**
     * Rows of one micro-batch of one rank.
     *
     * @param groupRows rows of a routing group
     * @throws UserException where rows, ranks, accumulation and groups do not fit together
     */
    public int microRows(int worldSize, int groupRows) {
        int parts = worldSize * accumulation;
        if (groupRows > rows) {
            throw new UserException("a routing group of " + groupRows + " rows is larger than the " + rows
                    + " rows of a step: lower capacity.group-rows or raise rows.");
        }
        if (rows % (parts * groupRows) != 0) {
            throw new UserException(rows + " rows a step cannot be cut into " + worldSize + " ranks x " + accumulation
                    + " micro-batches of whole routing groups of " + groupRows + " rows: make rows a multiple of "
                    + parts * groupRows + " or change accumulation or capacity.group-rows.");
        }
        return rows / parts;
    }
}
