package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.AttentionShape;

/** Launches the kernels of {@code attention-bias.cu} that backward passes of attention begin and end with. */
final class AttentionSums {
    private static final int THREADS = 256;
    /** Threads that take a query together, each eight of its columns at a time. */
    private static final int QUERY_THREADS = 8;

    /** Queries whose sums by distance are kept together, as in {@code sum_bias_partials}. */
    private static final int PART = Launch.WARP;

    /** Keys of a tile; every kernel writes whole tiles of sums by distance. */
    private static final int TILE = 64;

    private final CudaContext context;
    private final Kernels kernels;

    AttentionSums(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("attention-bias");
    }

    /** Places for the sums by distance between 32 queries and all keys. */
    static int places(AttentionShape shape) {
        return (shape.keyLength() + TILE - 1) / TILE * TILE + PART;
    }

    /** New sums by distance, of 32 queries each: [rows * heads, parts, places]. */
    CudaTensor biasPartials(AttentionShape shape) {
        int parts = (shape.queryLength() + PART - 1) / PART;
        return context.master(shape.rows() * shape.heads(), parts, places(shape));
    }

    /** deltas [rows * heads, queries] = the sums over a head's columns of result * dResult. */
    void deltas(AttentionShape shape, CudaTensor result, CudaTensor dResult, CudaTensor deltas) {
        int queries = THREADS / QUERY_THREADS;
        kernels.launch(
                "attention_deltas",
                new Launch((shape.queryLength() + queries - 1) / queries, shape.heads(), shape.rows(), THREADS, 0),
                result,
                dResult,
                deltas,
                shape.heads(),
                shape.headSize(),
                shape.queryLength());
    }

    /** dBias += {@code scale} times the partial sums. */
    void addBiasGradient(AttentionShape shape, CudaTensor partials, CudaTensor dBias, float scale) {
        int columns = shape.queryLength() + shape.keyLength() - 1;
        kernels.launch(
                "sum_bias_partials",
                new Launch((columns + Launch.WARP - 1) / Launch.WARP, shape.heads(), 1, THREADS, 0),
                partials,
                dBias,
                shape.rows(),
                shape.heads(),
                shape.queryLength(),
                shape.keyLength(),
                places(shape),
                scale);
    }
}
