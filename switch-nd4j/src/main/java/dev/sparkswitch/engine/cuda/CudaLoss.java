package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Engine.LossGradient;
import dev.sparkswitch.engine.LossSettings;
import dev.sparkswitch.engine.Tensor;

/** The output head: logits, losses and their gradients. */
final class CudaLoss {
    private final CudaContext context;
    private final CudaProducts products;

    CudaLoss(CudaContext context, CudaProducts products) {
        this.context = context;
        this.products = products;
    }

    Tensor tokenLoss(Tensor hidden, Tensor w, Tensor targets, LossSettings settings) {
        throw new UnsupportedOperationException("tokenLoss");
    }

    LossGradient tokenLossGradient(
            Tensor hidden, Tensor w, Tensor targets, LossSettings settings, double weight, Tensor dw) {
        throw new UnsupportedOperationException("tokenLossGradient");
    }

    Tensor logits(Tensor hidden, Tensor w, double scale) {
        throw new UnsupportedOperationException("logits");
    }
}
