package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.AttentionShape.Order;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Attention;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Launches the kernels of {@code attention-float32.cu}: any head size, float32 arithmetic, masks drawn again. The forward
 * pass saves the natural logarithm of each query's sum.
 */
final class Float32Attention {
    // As in attention-float32-tiles.cuh.
    private static final int TILE = 64;
    private static final int THREADS = 128;
    private static final int TILE_BYTES = TILE * (TILE + 4) * Float.BYTES;
    private static final int WEIGHT_BYTES = TILE * (TILE + 8) * Float.BYTES;
    private static final int LINE_BYTES = TILE * Float.BYTES;
    private static final int PAIR_BYTES = 3 * LINE_BYTES + TILE * TILE / Byte.SIZE;

    private static final int FORWARD_BYTES = 3 * TILE_BYTES + WEIGHT_BYTES + PAIR_BYTES;
    private static final int QUERY_GRADIENT_BYTES = 4 * TILE_BYTES + WEIGHT_BYTES + PAIR_BYTES;
    private static final int KEY_GRADIENT_BYTES = QUERY_GRADIENT_BYTES + 2 * LINE_BYTES;

    private final CudaContext context;
    private final Kernels kernels;
    private final AttentionSums sums;

    Float32Attention(CudaContext context, AttentionSums sums) {
        this.context = context;
        this.kernels = context.kernels("attention-float32");
        this.sums = sums;
    }

    /** A block for each tile of {@code items} and chunk of columns of every head and row. */
    private static Launch blocks(AttentionShape shape, int items, int sharedBytes) {
        return new Launch(tiles(items) * tiles(shape.headSize()), shape.heads(), shape.rows(), THREADS, sharedBytes);
    }

    private static int tiles(int items) {
        return (items + TILE - 1) / TILE;
    }

    private void launch(
            String kernel,
            Launch launch,
            AttentionShape shape,
            AttentionInputs inputs,
            Dropout dropout,
            Object... others) {
        List<Object> arguments = new ArrayList<>(Arrays.asList(
                inputs.q(),
                inputs.k(),
                inputs.v(),
                inputs.bias(),
                inputs.querySegments(),
                inputs.keySegments(),
                inputs.q().rowStride(),
                inputs.k().rowStride(),
                inputs.v().rowStride(),
                shape.heads(),
                shape.headSize(),
                shape.queryLength(),
                shape.keyLength(),
                shape.order() == Order.CAUSAL ? 1 : 0,
                dropout));
        arguments.addAll(Arrays.asList(others));
        kernels.launch(kernel, launch, arguments.toArray());
    }

    Attention forward(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        CudaTensor result = context.compute(shape.rows() * shape.queryLength(), shape.width());
        CudaTensor logSums = context.master(shape.rows() * shape.heads(), shape.queryLength());
        Launch launch = blocks(shape, shape.queryLength(), FORWARD_BYTES);
        launch("attention_float32_forward", launch, shape, inputs, dropout, result, logSums);
        return new Attention(result, logSums);
    }

    void backward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            CudaTensor dResult,
            AttentionGradients gradients) {
        CudaTensor logSums = cuda(forward.saved());
        CudaTensor dBias = cuda(gradients.dBias());
        try (CudaTensor deltas = context.master(logSums.shape());
                CudaTensor partials = dBias == null ? null : sums.biasPartials(shape)) {
            sums.deltas(shape, cuda(forward.result()), dResult, deltas);
            launch(
                    "attention_float32_query_gradient",
                    blocks(shape, shape.queryLength(), QUERY_GRADIENT_BYTES),
                    shape,
                    inputs,
                    dropout,
                    dResult,
                    logSums,
                    deltas,
                    gradients.dq(),
                    gradients.dq().rowStride(),
                    partials,
                    AttentionSums.places(shape));
            launch(
                    "attention_float32_key_gradient",
                    blocks(shape, shape.keyLength(), KEY_GRADIENT_BYTES),
                    shape,
                    inputs,
                    dropout,
                    dResult,
                    logSums,
                    deltas,
                    gradients.dk(),
                    gradients.dv(),
                    gradients.dk().rowStride(),
                    gradients.dv().rowStride());
            if (dBias != null) {
                sums.addBiasGradient(shape, partials, dBias, 1);
            }
        }
    }
}
