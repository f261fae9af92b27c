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

/** Launches the kernels of {@code attention-plain.cu}: any head size, float32 arithmetic, masks drawn again. */
final class PlainAttention {
    private static final int WARPS = 4;

    private final CudaContext context;
    private final Kernels kernels;

    PlainAttention(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("attention-plain");
    }

    /** A warp for each of {@code items} of every head and row, with so many floats of its own. */
    private static Launch warps(AttentionShape shape, int items, int floats) {
        return new Launch(
                (items + WARPS - 1) / WARPS,
                shape.heads(),
                shape.rows(),
                WARPS * Launch.WARP,
                WARPS * floats * Float.BYTES);
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
        Launch launch = warps(shape, shape.queryLength(), 2 * shape.headSize() + Launch.WARP);
        launch("attention_plain_forward", launch, shape, inputs, dropout, result, logSums);
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
        try (CudaTensor deltas = context.master(logSums.shape())) {
            launch(
                    "attention_plain_dq",
                    warps(shape, shape.queryLength(), 3 * shape.headSize() + Launch.WARP),
                    shape,
                    inputs,
                    dropout,
                    forward.result(),
                    dResult,
                    logSums,
                    deltas,
                    gradients.dq(),
                    gradients.dq().rowStride());
            launch(
                    "attention_plain_dkv",
                    warps(shape, shape.keyLength(), 4 * shape.headSize() + 2 * Launch.WARP),
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
            if (gradients.dBias() != null) {
                int columns = shape.queryLength() + shape.keyLength() - 1;
                launch(
                        "attention_plain_bias_gradient",
                        new Launch((columns + WARPS - 1) / WARPS, shape.heads(), 1, WARPS * Launch.WARP, 0),
                        shape,
                        inputs,
                        dropout,
                        dResult,
                        logSums,
                        deltas,
                        gradients.dBias(),
                        shape.rows());
            }
        }
    }
}
