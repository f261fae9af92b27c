package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Attention;
import dev.sparkswitch.engine.cuda.AttentionMasks.Saved;
import java.util.HashMap;
import java.util.Map;

/** Launches the attention kernels for tensor cores. The forward pass saves the logarithm (base 2) of each query's sum. */
final class TiledAttention {
    private static final int[] HEAD_SIZES = {16, 32, 64, 128};

    // As in attention-tiles.cuh.
    private static final int STAYING = 128;
    private static final int STREAMED = 64;
    private static final int THREADS = 128;
    private static final int MOST_TILES = 512;
    private static final int NEAR = 12;
    /** The gradients of scores that a backward pass may keep while it runs, for all rows and heads; longer ones are computed twice. */
    private static final long MOST_SCORE_BYTES = 1L << 30;

    private static final int WINDOW_BYTES = 2 * (STAYING + STREAMED) * Float.BYTES;
    private static final int LINE_BYTES = 2 * STREAMED * Float.BYTES;
    private static final int MASK_BYTES = 2 * STAYING * STREAMED / Byte.SIZE;

    private final CudaContext context;
    /** By the head size of their tiles. */
    private final Map<Integer, Kernels> kernels = new HashMap<>();

    private final AttentionSums sums;
    private final AttentionMasks masks;
    private final boolean keepsScoreGradients = Switches.isOn(Switches.SCORE_GRADIENTS);

    TiledAttention(CudaContext context, AttentionMasks masks, AttentionSums sums) {
        this.context = context;
        this.masks = masks;
        for (int size : HEAD_SIZES) {
            kernels.put(size, context.kernels("attention-" + size));
        }
        this.sums = sums;
    }

    /** Whether there are kernels for this head size that the card has shared memory for. */
    boolean takes(AttentionShape shape) {
        return shape.headSize() <= HEAD_SIZES[HEAD_SIZES.length - 1]
                && mostBytes(columns(shape)) <= context.device().sharedMemoryPerBlock();
    }

    /** The head size of the kernels that take this one: its columns are filled up with zeros. */
    private static int columns(AttentionShape shape) {
        for (int size : HEAD_SIZES) {
            if (shape.headSize() <= size) {
                return size;
            }
        }
        throw new IllegalArgumentException("no tiles for " + shape);
    }

    private static int tileBytes(int staying, int columns) {
        return (staying * STAYING + 4 * STREAMED) * columns * DType.BFLOAT16.bytes();
    }

    private static int forwardBytes(int columns) {
        return tileBytes(1, columns) + WINDOW_BYTES + LINE_BYTES + MASK_BYTES + MOST_TILES;
    }

    /** The most shared memory that any of the kernels asks for. */
    private static int mostBytes(int columns) {
        return Math.max(queryGradientBytes(columns), querySumsBytes(columns));
    }

    private static int queryGradientBytes(int columns) {
        int deltaBytes = STAYING * Float.BYTES;
        int nearBytes = THREADS * NEAR * Float.BYTES;
        return tileBytes(2, columns) + WINDOW_BYTES + LINE_BYTES + MASK_BYTES + deltaBytes + nearBytes + MOST_TILES;
    }

    private static int keyGradientBytes(int columns) {
        int maskBytes = 2 * (STREAMED / 8) * 9 * (STAYING / Byte.SIZE);
        return tileBytes(2, columns) + WINDOW_BYTES + 3 * LINE_BYTES + maskBytes + MOST_TILES;
    }

    private static int querySumsBytes(int columns) {
        int keyBytes = 2 * STREAMED * columns * DType.BFLOAT16.bytes();
        int nearBytes = THREADS * NEAR * Float.BYTES;
        int scoreBytes = 2 * STAYING * STREAMED * DType.BFLOAT16.bytes();
        return keyBytes + scoreBytes + nearBytes + MOST_TILES;
    }

    private static int roundUp(int count, int multiple) {
        return (count + multiple - 1) / multiple * multiple;
    }

    /** Numbers of the gradients of scores of a row and head. */
    private static long scoreNumbers(AttentionShape shape) {
        return (long) roundUp(shape.queryLength(), STREAMED) * roundUp(shape.keyLength(), STAYING);
    }

    private static long scoreBytes(AttentionShape shape) {
        return shape.rows() * shape.heads() * scoreNumbers(shape) * DType.BFLOAT16.bytes();
    }

    private static String name(String kernel, AttentionInputs inputs, Dropout dropout) {
        return kernel + (inputs.bias() == null ? "" : "_bias") + (dropout.active() ? "_dropout" : "");
    }

    private static Launch blocks(AttentionShape shape, int length, int sharedBytes) {
        return new Launch((length + STAYING - 1) / STAYING, shape.heads(), shape.rows(), THREADS, sharedBytes);
    }

    private static int causal(AttentionShape shape) {
        return shape.order() == Order.CAUSAL ? 1 : 0;
    }

    private static float scale(Dropout dropout) {
        return dropout.active() ? (float) dropout.scale() : 1;
    }

    Attention forward(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        CudaTensor result = context.compute(shape.rows() * shape.queryLength(), shape.width());
        Saved saved = masks.take(shape, dropout);
        kernels.get(columns(shape))
                .launch(
                        name("attention_forward", inputs, dropout),
                        blocks(shape, shape.queryLength(), forwardBytes(columns(shape))),
                        inputs.q(),
                        inputs.k(),
                        inputs.v(),
                        result,
                        inputs.bias(),
                        inputs.querySegments(),
                        inputs.keySegments(),
                        saved.tensor(),
                        saved.mask(),
                        inputs.q().rowStride(),
                        inputs.k().rowStride(),
                        inputs.v().rowStride(),
                        shape.heads(),
                        shape.headSize(),
                        shape.queryLength(),
                        shape.keyLength(),
                        causal(shape),
                        scale(dropout));
        return new Attention(result, saved.tensor());
    }

    void backward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention attention,
            Dropout dropout,
            CudaTensor dResult,
            AttentionGradients gradients) {
        Saved saved = AttentionMasks.of(cuda(attention.saved()), shape, dropout);
        try (CudaTensor deltas = context.master(shape.rows() * shape.heads(), shape.queryLength());
                CudaTensor partials = inputs.bias() == null ? null : sums.biasPartials(shape)) {
            boolean keepsScores = keepsScoreGradients && scoreBytes(shape) <= MOST_SCORE_BYTES;
            if (keepsScores) {
                try (CudaTensor dScores =
                        context.compute(shape.rows() * shape.heads(), Math.toIntExact(scoreNumbers(shape)))) {
                    sums.deltas(shape, cuda(attention.result()), dResult, deltas);
                    keyGradient(shape, inputs, saved, dropout, dResult, gradients, deltas, dScores);
                    querySums(shape, inputs, dropout, dScores, gradients, partials);
                }
            } else {
                queryGradient(shape, inputs, attention, saved, dropout, dResult, gradients, deltas, partials);
                keyGradient(shape, inputs, saved, dropout, dResult, gradients, deltas, null);
            }
            if (gradients.dBias() != null) {
                float scale = keepsScores ? scale(dropout) : 1;
                sums.addBiasGradient(shape, partials, cuda(gradients.dBias()), scale);
            }
        }
    }

    private void queryGradient(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention attention,
            Saved saved,
            Dropout dropout,
            CudaTensor dResult,
            AttentionGradients gradients,
            CudaTensor deltas,
            CudaTensor partials) {
        kernels.get(columns(shape))
                .launch(
                        name("attention_query_gradient", inputs, dropout),
                        blocks(shape, shape.queryLength(), queryGradientBytes(columns(shape))),
                        inputs.q(),
                        inputs.k(),
                        inputs.v(),
                        attention.result(),
                        dResult,
                        gradients.dq(),
                        inputs.bias(),
                        partials,
                        inputs.querySegments(),
                        inputs.keySegments(),
                        saved.tensor(),
                        saved.mask(),
                        deltas,
                        inputs.q().rowStride(),
                        inputs.k().rowStride(),
                        inputs.v().rowStride(),
                        gradients.dq().rowStride(),
                        shape.heads(),
                        shape.headSize(),
                        shape.queryLength(),
                        shape.keyLength(),
                        causal(shape),
                        scale(dropout));
    }

    private void keyGradient(
            AttentionShape shape,
            AttentionInputs inputs,
            Saved saved,
            Dropout dropout,
            CudaTensor dResult,
            AttentionGradients gradients,
            CudaTensor deltas,
            CudaTensor dScores) {
        kernels.get(columns(shape))
                .launch(
                        name("attention_key_gradient", inputs, dropout),
                        blocks(shape, shape.keyLength(), keyGradientBytes(columns(shape))),
                        inputs.q(),
                        inputs.k(),
                        inputs.v(),
                        dResult,
                        gradients.dk(),
                        gradients.dv(),
                        inputs.bias(),
                        inputs.querySegments(),
                        inputs.keySegments(),
                        saved.tensor(),
                        saved.mask(),
                        deltas,
                        dScores,
                        inputs.q().rowStride(),
                        inputs.k().rowStride(),
                        inputs.v().rowStride(),
                        gradients.dk().rowStride(),
                        gradients.dv().rowStride(),
                        shape.heads(),
                        shape.headSize(),
                        shape.queryLength(),
                        shape.keyLength(),
                        causal(shape),
                        scale(dropout),
                        1 / scale(dropout));
    }

    private void querySums(
            AttentionShape shape,
            AttentionInputs inputs,
            Dropout dropout,
            CudaTensor dScores,
            AttentionGradients gradients,
            CudaTensor partials) {
        kernels.get(columns(shape))
                .launch(
                        inputs.bias() == null ? "attention_query_sums" : "attention_query_sums_bias",
                        blocks(shape, shape.queryLength(), querySumsBytes(columns(shape))),
                        inputs.k(),
                        dScores,
                        gradients.dq(),
                        partials,
                        inputs.querySegments(),
                        inputs.keySegments(),
                        inputs.k().rowStride(),
                        gradients.dq().rowStride(),
                        shape.heads(),
                        shape.headSize(),
                        shape.queryLength(),
                        shape.keyLength(),
                        causal(shape),
                        scale(dropout));
    }
}
