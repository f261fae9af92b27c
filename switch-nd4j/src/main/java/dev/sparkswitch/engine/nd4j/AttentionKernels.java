package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Write;

/** Loops of attention; see {@link dev.sparkswitch.engine.Engine} for what they do. */
interface AttentionKernels {
    void relativeBias(HostTensor table, RelativePositions positions, HostTensor bias);

    void relativeBiasGradient(HostTensor dBias, RelativePositions positions, HostTensor dTable, Write write);

    /** Turns scores [queries, keys] of one (row, head) in {@code scores} into probabilities, in place. */
    void softmax(
            AttentionShape shape,
            int row,
            int head,
            HostTensor scores,
            HostTensor bias,
            HostTensor querySegments,
            HostTensor keySegments);

    /** dropout of probabilities of one (row, head): {@code dropped} is written. */
    void dropProbabilities(
            AttentionShape shape, int row, int head, HostTensor source, Dropout dropout, HostTensor dropped);

    /** Turns the probabilities' gradient of one (row, head) into the scores' gradient, in place. */
    void softmaxBackward(
            AttentionShape shape, int row, int head, HostTensor probabilities, Dropout dropout, HostTensor gradient);

    /** dBias [heads, distances] += sums along the diagonals of the scores' gradients [rows, heads, queries, keys]. */
    void addBiasGradient(AttentionShape shape, HostTensor dScores, HostTensor dBias);
}
