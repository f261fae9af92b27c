package dev.sparkswitch.engine.cuda;

/**
 * The grid of one kernel launch. A grid without blocks is allowed and does nothing.
 *
 * @param blocksX blocks along x, at most 2^31 - 1
 * @param blocksY blocks along y, at most 65,535
 * @param blocksZ blocks along z, at most 65,535
 * @param threads threads a block: whole warps of 32, at most 1024
 * @param sharedBytes dynamic shared memory a block
 */
record Launch(int blocksX, int blocksY, int blocksZ, int threads, int sharedBytes) {
    /** Threads that run in step. */
    static final int WARP = 32;

    private static final int MOST_THREADS = 1024;
    private static final int MOST_BLOCKS = 65_535;

    Launch {
        if (threads <= 0 || threads > MOST_THREADS || threads % WARP != 0) {
            throw new IllegalArgumentException("a block has whole warps of 32 threads, at most 1024: " + threads);
        }
        if (blocksX < 0 || blocksY < 0 || blocksZ < 0 || blocksY > MOST_BLOCKS || blocksZ > MOST_BLOCKS) {
            throw new IllegalArgumentException("no grid: " + blocksX + " x " + blocksY + " x " + blocksZ);
        }
    }

    /** A row of blocks without dynamic shared memory. */
    static Launch of(long blocks, int threads) {
        return new Launch(Math.toIntExact(blocks), 1, 1, threads, 0);
    }

    /** Enough blocks for {@code items}, of which one block takes {@code itemsABlock}. */
    static Launch covering(long items, int itemsABlock, int threads) {
        return of((items + itemsABlock - 1) / itemsABlock, threads);
    }

    /** The same grid with dynamic shared memory. */
    Launch withShared(int bytes) {
        return new Launch(blocksX, blocksY, blocksZ, threads, bytes);
    }

    boolean isEmpty() {
        return blocksX == 0 || blocksY == 0 || blocksZ == 0;
    }
}
