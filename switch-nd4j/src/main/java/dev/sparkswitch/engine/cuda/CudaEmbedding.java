package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Tensor;

/** Rows of the embedding by token, and their gradient. */
final class CudaEmbedding {
    private final CudaContext context;

    CudaEmbedding(CudaContext context) {
        this.context = context;
    }

    Tensor embed(Tensor ids, Tensor table, Dropout dropout) {
        throw new UnsupportedOperationException("embed");
    }

    void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout) {
        throw new UnsupportedOperationException("embedBackward");
    }
}
