package dev.sparkswitch.model;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;

/**
 * One pass of a batch through the encoder or the decoder: what all its layers share.
 *
 * @param engine where it runs
 * @param settings what the pass is for
 * @param rows sequences
 * @param length positions a sequence
 * @param firstRow the global number of the first row
 * @param self the geometry of self-attention
 * @param querySegments segments of the positions as queries, int32 [rows, length]
 * @param keySegments segments of the positions as keys of self-attention, int32 [rows, keys]
 * @param ids the token at each position, int32 [rows * length]
 * @param routed which positions are routed, int32 [rows * length]
 * @param bias relative position bias by distance [heads, length + keys - 1]
 * @param dBias its gradient, summed over the layers; null where there is no backward pass
 * @param memory what the decoder attends to; null in the encoder
 */
record StackPass(
        Engine engine,
        PassSettings settings,
        int rows,
        int length,
        long firstRow,
        AttentionShape self,
        Tensor querySegments,
        Tensor keySegments,
        Tensor ids,
        Tensor routed,
        Tensor bias,
        Tensor dBias,
        Memory memory) {

    /**
     * The encoder's output as the decoder sees it.
     *
     * @param hidden [rows * length, d_model]
     * @param dHidden its gradient, summed over the decoder's layers; null where there is no backward pass
     * @param keySegments int32 [rows, length]
     * @param length positions a row
     */
    record Memory(Tensor hidden, Tensor dHidden, Tensor keySegments, int length) {}

    /** Dropout of a [rows * length, width] tensor at the site of that number. */
    Dropout dropout(RandomStream stream, int site, double rate) {
        return rowsDropout(stream, site, rate, length);
    }

    /** Dropout of a tensor that has {@code perRow} rows for each sequence. */
    Dropout rowsDropout(RandomStream stream, int site, double rate, int perRow) {
        return settings.phase() == Phase.TRAIN
                ? Dropout.ofRows(rate, stream.at(settings.seed(), settings.step(), site), firstRow * perRow)
                : Dropout.NONE;
    }

    /** This pass with a place for the gradient of the position bias. */
    StackPass withBiasGradient(Tensor gradient) {
        return new StackPass(
                engine,
                settings,
                rows,
                length,
                firstRow,
                self,
                querySegments,
                keySegments,
                ids,
                routed,
                bias,
                gradient,
                memory);
    }

    /** This pass with a place for the gradient of the encoder's output. */
    StackPass withMemoryGradient(Tensor gradient) {
        return new StackPass(
                engine,
                settings,
                rows,
                length,
                firstRow,
                self,
                querySegments,
                keySegments,
                ids,
                routed,
                bias,
                dBias,
                new Memory(memory.hidden(), gradient, memory.keySegments(), memory.length()));
    }
}
