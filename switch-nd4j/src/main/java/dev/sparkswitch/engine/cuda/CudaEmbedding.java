package dev.sparkswitch.engine.cuda;

import static dev.sparkswitch.engine.cuda.CudaContext.cuda;
import static dev.sparkswitch.engine.cuda.CudaContext.require;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Tensor;

/** Rows of the embedding by token, and their gradient. */
final class CudaEmbedding {
    private static final int SORT_THREADS = 256;
    private static final int SCAN_THREADS = 1024;
    /** The most bits of a digit: more make fewer passes, but tables of counts that are long to add up. */
    private static final int MOST_DIGIT_BITS = 9;
    /** Positions of a chunk, as in embedding.cu. */
    private static final int CHUNK = 16;

    private final CudaContext context;
    private final Kernels kernels;

    CudaEmbedding(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("embedding");
    }

    Tensor embed(Tensor ids, Tensor table, Dropout dropout) {
        CudaTensor rows = context.parameter("embed", table);
        int width = table.extent(1);
        int tokens = Math.toIntExact(ids.size());
        CudaTensor y = context.compute(tokens, width);
        kernels.launch(
                "embed",
                RowLaunch.each(tokens, width),
                cuda(ids),
                rows,
                dropout,
                y,
                RowLaunch.items(tokens, width),
                width,
                RowLaunch.itemsARow(width));
        return y;
    }

    void embedBackward(Tensor dy, Tensor ids, Tensor dTable, Dropout dropout) {
        require(dy.rows() == ids.size(), "embedBackward", dy, ids);
        require(dy.extent(-1) == dTable.extent(1), "embedBackward", dy, dTable);
        int n = dy.rows();
        int bits = Math.max(1, Integer.SIZE - Integer.numberOfLeadingZeros(dTable.extent(0) - 1));
        int passes = (bits + MOST_DIGIT_BITS - 1) / MOST_DIGIT_BITS;
        int digits = 1 << (bits + passes - 1) / passes;
        int width = dTable.extent(1);
        int chunks = (n + CHUNK - 1) / CHUNK;
        Launch sort = Launch.covering(n, SORT_THREADS, SORT_THREADS);
        int counts = digits * sort.blocksX();
        try (Scratch scratch = new Scratch(context, counts, n, n, n, n, 2L * chunks * width)) {
            long keys = cuda(ids).address();
            long positions = 0;
            for (int pass = 0; pass < passes; pass++) {
                int shift = pass * Integer.numberOfTrailingZeros(digits);
                long sortedKeys = scratch.at(1 + pass % 2);
                long sortedPositions = scratch.at(3 + pass % 2);
                kernels.launch("sort_count", sort, keys, n, shift, digits, scratch.at(0));
                kernels.launch("sort_scan", Launch.of(1, SCAN_THREADS), scratch.at(0), counts);
                kernels.launch(
                        "sort_move",
                        sort,
                        keys,
                        positions,
                        n,
                        shift,
                        digits,
                        scratch.at(0),
                        sortedKeys,
                        sortedPositions);
                keys = sortedKeys;
                positions = sortedPositions;
            }
            int team = RowLaunch.team(width);
            Launch launch = RowLaunch.teams(chunks, team, Integer.MAX_VALUE);
            long partials = scratch.at(5);
            kernels.launch(
                    "embed_sums", launch, cuda(dy), keys, positions, n, dropout, cuda(dTable), partials, width, team);
            kernels.launch("embed_join", launch, keys, n, partials, cuda(dTable), width, team);
        }
    }
}
