package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Activation;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Tensor;

/** The non-linearities of feed-forward layers. */
final class CudaActivations {
    private final CudaContext context;

    CudaActivations(CudaContext context) {
        this.context = context;
    }

    Tensor activation(Tensor x, Activation activation, Dropout dropout) {
        throw new UnsupportedOperationException("activation");
    }

    Tensor activationBackward(Tensor dy, Tensor x, Activation activation, Dropout dropout) {
        throw new UnsupportedOperationException("activationBackward");
    }
}
