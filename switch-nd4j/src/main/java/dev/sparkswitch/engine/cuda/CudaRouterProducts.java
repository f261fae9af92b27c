package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Write;

/**
 * The router's products where parameters are split: in float32's precision by bfloat16 tensor cores, of router.cu, which are
 * quicker at them than float32's own arithmetic. The router's input is never written: x and random numbers make it anew.
 */
final class CudaRouterProducts {
    // As in router.cu
    private static final int CHUNK = 16;
    private static final int TILE = 8;
    private static final int TILE_WORDS = 3 * Launch.WARP * 2;
    private static final int THREADS = 256;
    private static final int WARPS = THREADS / Launch.WARP;
    private static final int BLOCK_EXPERTS = 64;
    private static final int BLOCK_COLUMNS = 64;
    private static final int ROUND_TOKENS = 64;
    private static final int PADDING = 8;
    /** Experts that are read and written four at a time. */
    private static final int WHOLE_EXPERTS = 4;

    private static final int ALIGNMENT = 16;

    /** Up to so many tokens the columns are shared by twice as many warps: there are too few blocks otherwise. */
    private static final int FEW_TOKENS = 8192;
    /** Parts of the tokens that a weight's gradient is summed over, at most: the same on every card. */
    private static final int SLICES = 22;

    private final CudaContext context;
    private final Kernels kernels;
    private final boolean isShort = Switches.isOn(Switches.ROUTER_TWO_PARTS);
    private final boolean isOn = Switches.isOn(Switches.ROUTER_PRODUCTS);

    CudaRouterProducts(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("router");
    }

    /** Whether these kernels take the products of tokens' rows with weights; others are left to plain float32. */
    boolean takes(CudaTensor x, CudaTensor w) {
        return isOn
                && w.isSplit()
                && w.extent(1) % CHUNK == 0
                && w.extent(0) % WHOLE_EXPERTS == 0
                && x.rows() > 0
                && x.contiguous()
                && x.address() % ALIGNMENT == 0
                && context.device().sharedMemoryPerBlock() >= Math.max(logitsBytes(8, 4), gradientBytes(BLOCK_EXPERTS));
    }

    private static int ceil(int a, int b) {
        return (a + b - 1) / b;
    }

    private static int logitsBytes(int tiles, int slices) {
        return 2 * slices * 2 * tiles * TILE_WORDS * Integer.BYTES;
    }

    private static int gradientBytes(int experts) {
        int row = Math.max(Launch.WARP, experts) + PADDING;
        return 2 * ROUND_TOKENS * (row + BLOCK_COLUMNS + PADDING) * Float.BYTES;
    }

    /** The weights as tensor cores want them; sums go over the rows of w or over its columns. */
    private CudaTensor tiles(CudaTensor w, Axis summed) {
        int rows = w.extent(0);
        int width = w.extent(1);
        int chunks = ceil(summed == Axis.ROWS ? rows : width, CHUNK);
        int across = ceil(summed == Axis.ROWS ? width : rows, TILE);
        CudaTensor tiles = context.allocate(DType.INT32, chunks * across, TILE_WORDS);
        int lanes = chunks * across * Launch.WARP;
        kernels.launch(
                "router_tiles",
                Launch.covering(lanes, THREADS, THREADS),
                w,
                w.low(),
                tiles,
                rows,
                width,
                summed == Axis.ROWS ? 1 : 0,
                across,
                lanes);
        return tiles;
    }

    private enum Axis {
        ROWS,
        COLUMNS
    }

    /** logits [T, E] = (noise * x [T, d]) w^T. */
    void logits(CudaTensor x, Dropout noise, CudaTensor w, CudaTensor logits) {
        int tokens = x.rows();
        int experts = w.extent(0);
        boolean one = experts <= TILE;
        int tiles = one ? 1 : BLOCK_EXPERTS / TILE;
        int slices = tokens <= FEW_TOKENS ? 4 : 2;
        int rows = WARPS / slices * CHUNK;
        try (CudaTensor weights = tiles(w, Axis.COLUMNS)) {
            kernels.launch(
                    "router_logits_" + (one ? "8" : "64") + (slices == 4 ? "_few" : ""),
                    new Launch(ceil(tokens, rows), ceil(experts, tiles * TILE), 1, THREADS, logitsBytes(tiles, slices)),
                    x,
                    noise,
                    CudaRouting.jitterLow(noise),
                    CudaRouting.jitterSpan(noise),
                    weights,
                    logits,
                    tokens,
                    experts,
                    w.extent(1));
        }
    }

    /** dx [T, d] += noise * (dLogits [T, E] w). */
    void addInputGradient(CudaTensor dLogits, CudaTensor w, Dropout noise, CudaTensor dx) {
        dLogits.requireContiguous("routerScoresInputGradient");
        dx.requireContiguous("routerScoresInputGradient");
        int tokens = dLogits.rows();
        int width = w.extent(1);
        try (CudaTensor weights = tiles(w, Axis.ROWS)) {
            kernels.launch(
                    isShort ? "router_input_gradient_2" : "router_input_gradient_3",
                    new Launch(ceil(tokens, WARPS * CHUNK), ceil(width, BLOCK_COLUMNS), 1, THREADS, 0),
                    dLogits,
                    weights,
                    noise,
                    CudaRouting.jitterLow(noise),
                    CudaRouting.jitterSpan(noise),
                    dx,
                    tokens,
                    w.extent(0),
                    width);
        }
    }

    /** dw [E, d] (+)= dLogits [T, E]^T (noise * x [T, d]). */
    void weightGradient(CudaTensor dLogits, CudaTensor x, Dropout noise, CudaTensor dw, Write write) {
        dw.requireContiguous("routerScoresWeightGradient");
        int tokens = x.rows();
        int experts = dw.extent(0);
        int width = dw.extent(1);
        int sliceTokens = ceil(ceil(tokens, SLICES), ROUND_TOKENS) * ROUND_TOKENS;
        int slices = ceil(tokens, sliceTokens);
        int blockExperts = experts <= TILE ? TILE : BLOCK_EXPERTS;
        try (CudaTensor partials = context.master(slices, experts, width)) {
            kernels.launch(
                    "router_weight_gradient_" + blockExperts,
                    new Launch(
                            ceil(width, BLOCK_COLUMNS),
                            slices,
                            ceil(experts, blockExperts),
                            THREADS,
                            gradientBytes(blockExperts)),
                    dLogits,
                    x,
                    noise,
                    CudaRouting.jitterLow(noise),
                    CudaRouting.jitterSpan(noise),
                    partials,
                    tokens,
                    experts,
                    width,
                    sliceTokens);
            int numbers = experts * width;
            kernels.launch(
                    "router_sums",
                    Launch.covering(numbers, THREADS, THREADS),
                    partials,
                    slices,
                    dw,
                    numbers,
                    write == Write.ADD ? 1 : 0);
        }
    }
}
