package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Engine.Normalized;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;

/** The residual stream: sums with dropout and normalisation. */
final class CudaNorms {
    private final CudaContext context;

    CudaNorms(CudaContext context) {
        this.context = context;
    }

    Normalized addNorm(Tensor h, Tensor delta, Dropout dropout, Tensor weight, double epsilon) {
        throw new UnsupportedOperationException("addNorm");
    }

    void addNormBackward(
            Tensor dNormalized,
            Tensor dSum,
            Tensor sum,
            Tensor inverseRms,
            Tensor weight,
            Tensor dWeight,
            Write write) {
        throw new UnsupportedOperationException("addNormBackward");
    }

    Tensor dropout(Tensor x, Dropout dropout) {
        throw new UnsupportedOperationException("dropout");
    }
}
