package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AttentionGradients;
import dev.sparkswitch.engine.AttentionInputs;
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

    Attention attention(AttentionShape shape, AttentionInputs inputs, Dropout dropout) {
        throw new UnsupportedOperationException("attention");
    }

    void attentionBackward(
            AttentionShape shape,
            AttentionInputs inputs,
            Attention forward,
            Dropout dropout,
            Tensor dResult,
            AttentionGradients gradients) {
        throw new UnsupportedOperationException("attentionBackward");
    }
}
