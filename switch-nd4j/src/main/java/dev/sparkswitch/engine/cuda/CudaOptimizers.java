package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AdafactorSlot;
import dev.sparkswitch.engine.AdafactorStep;
import dev.sparkswitch.engine.Tensor;
import java.util.List;

/** Optimizer steps and what they measure. */
final class CudaOptimizers {
    private final CudaContext context;

    CudaOptimizers(CudaContext context) {
        this.context = context;
    }

    double sumSquares(List<Tensor> tensors) {
        throw new UnsupportedOperationException("sumSquares");
    }

    void adafactor(AdafactorStep step, List<AdafactorSlot> slots) {
        throw new UnsupportedOperationException("adafactor");
    }
}
