package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AttentionShape;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Attention;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** Attention and its relative bias. */
final class CudaAttention {
    private final CudaContext context;

    CudaAttention(CudaContext context) {
        this.context = context;
    }

    Tensor relativeBias(Tensor table, RelativePositions positions) {
        throw new UnsupportedOperationException("relativeBias");
    }

    void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write) {
        throw new UnsupportedOperationException("relativeBiasGradient");
    }

    Attention attention(
            AttentionShape shape,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor bias,
            Tensor querySegments,
            Tensor keySegments,
            Dropout dropout) {
        throw new UnsupportedOperationException("attention");
    }

    void attentionBackward(
            AttentionShape shape,
            Tensor q,
            Tensor k,
            Tensor v,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            Tensor dBias) {
        throw new UnsupportedOperationException("attentionBackward");
    }
}
