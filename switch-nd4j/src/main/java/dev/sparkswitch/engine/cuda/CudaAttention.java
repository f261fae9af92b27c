package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Attention;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;

/**
 * Attention that keeps no matrix of scores: on tensor cores where products are taken in bfloat16, in float32
 * arithmetic otherwise.
 */
final class CudaAttention {
    private final AttentionMasks masks;
    private final TiledAttention tiled;
    private final Float32Attention float32;
    private final Precision precision;

    CudaAttention(CudaContext context) {
        this.masks = new AttentionMasks(context);
        AttentionSums sums = new AttentionSums(context);
        this.tiled = new TiledAttention(context, masks, sums);
        this.float32 = new Float32Attention(context, sums);
        this.precision = context.precision();
    }

    private boolean fitsTiles(AttentionShape shape) {
        return precision == Precision.BF16 && tiled.takes(shape);
    }

    Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        inputs.requireShape("attention", shape);
        return fitsTiles(shape) ? tiled.forward(shape, inputs, dropout) : float32.forward(shape, inputs, dropout);
    }

    /** An update of the parameters comes next. */
    void beforeUpdate() {
        masks.beforeUpdate();
    }

    /** As {@link dev.sparkswitch.engine.Engine#expectStep}. */
    void expectStep(long rows) {
        masks.expectStep(rows);
    }

    void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients) {
        inputs.requireShape("attentionBackward", shape);
        gradients.requireShape("attentionBackward", shape);
        CudaTensor dOut = CudaContext.cuda(dResult);
        CudaContext.require(dOut.size() == forward.result().size(), "attentionBackward", dResult, forward.result());
        dOut.requireContiguous("attentionBackward");
        if (fitsTiles(shape)) {
            tiled.backward(shape, inputs, forward, dropout, dOut, gradients);
        } else {
            float32.backward(shape, inputs, forward, dropout, dOut, gradients);
        }
    }
}
