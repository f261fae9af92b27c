package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.nd4j.OpenBlas.Turn;
import java.util.ArrayList;
import java.util.List;

/**
 * Matrix products cut into tiles, each of which one thread takes. The libraries' own threads cut a product by their
 * number, and a result's last bits change with the cut; tiles depend on the product's shape alone.
 */
final class Products {
    /** Tiles that a product is cut into where they do not become too small: enough for threads to share evenly. */
    private static final int WANTED_TILES = 8;

    private static final int SMALLEST_SIDE = 64;
    /** Larger tiles gain nothing, and there are processors with many threads. */
    private static final int LARGEST_TILE = 256 * 512;
    /** Sides are multiples of what OpenBLAS's kernels take at a time. */
    private static final int UNIT = 16;
    /** Side of the tiles of segments. */
    private static final int SEGMENT_TILE = 256;

    private final HostThreads threads;
    private final Multiplier multiplier;

    Products(HostThreads threads, Multiplier multiplier) {
        this.threads = threads;
        this.multiplier = multiplier;
    }

    /** How a result [m, n] is cut. */
    private record Tiles(int m, int n, int rows, int columns) {
        static Tiles of(int m, int n, int wanted) {
            Tiles tiles = new Tiles(m, n, m, n);
            while ((tiles.count() < wanted && Math.max(tiles.rows, tiles.columns) > SMALLEST_SIDE)
                    || (long) tiles.rows * tiles.columns > LARGEST_TILE) {
                tiles = tiles.rows >= tiles.columns
                        ? new Tiles(m, n, half(tiles.rows), tiles.columns)
                        : new Tiles(m, n, tiles.rows, half(tiles.columns));
            }
            return tiles;
        }

        private static int half(int side) {
            return (side / 2 + UNIT - 1) / UNIT * UNIT;
        }

        private int across() {
            return (n + columns - 1) / columns;
        }

        int count() {
            return (m + rows - 1) / rows * across();
        }

        int firstRow(int tile) {
            return tile / across() * rows;
        }

        int lastRow(int tile) {
            return Math.min(m, firstRow(tile) + rows);
        }

        int firstColumn(int tile) {
            return tile % across() * columns;
        }

        int lastColumn(int tile) {
            return Math.min(n, firstColumn(tile) + columns);
        }
    }

    private Tiles tiles(int m, int n, int wanted) {
        return multiplier.takesTiles() ? Tiles.of(m, n, wanted) : new Tiles(m, n, m, n);
    }

    /** c[m, n] = alpha a[m, k] b[k, n] + beta c, where a and b are named as they are after turning. */
    void product(
            int m,
            int n,
            int k,
            double alpha,
            HostTensor a,
            Turn turnA,
            HostTensor b,
            Turn turnB,
            double beta,
            HostTensor c) {
        if (m == 0 || n == 0) {
            return;
        }
        Tiles tiles = tiles(m, n, WANTED_TILES);
        HostTensor result = matrix(c);
        try (Multiplier.Factor left = multiplier.factor(matrix(a));
                Multiplier.Factor right = multiplier.factor(matrix(b))) {
            threads.range(tiles.count(), work(1, m, n, k), (from, to) -> {
                for (int tile = from; tile < to; tile++) {
                    tile(tiles, tile, k, alpha, left.values(), turnA, right.values(), turnB, beta, result);
                }
            });
        }
    }

    /** {@link #product} for every entry of the first of three axes. */
    void products(int m, int n, int k, HostTensor a, Turn turnA, HostTensor b, Turn turnB, double beta, HostTensor c) {
        int count = c.extent(0);
        if (count == 0 || m == 0 || n == 0) {
            return;
        }
        Tiles tiles = tiles(m, n, Math.max(1, WANTED_TILES / count));
        try (Multiplier.Factor left = multiplier.factor(a);
                Multiplier.Factor right = multiplier.factor(b)) {
            threads.range(count * tiles.count(), work(count, m, n, k), (from, to) -> {
                for (int part = from; part < to; part++) {
                    int entry = part / tiles.count();
                    tile(
                            tiles,
                            part % tiles.count(),
                            k,
                            1,
                            entry(left.values(), entry),
                            turnA,
                            entry(right.values(), entry),
                            turnB,
                            beta,
                            entry(c, entry));
                }
            });
        }
    }

    /**
     * c = a b[e]^T for each segment of consecutive rows, which have an entry of b each; rows behind the last segment are left
     * as they are.
     *
     * @param first the first row of each segment, and behind the last one where it ends
     * @param a [rows, k]
     * @param b [segments, n, k]
     * @param c [rows, n]
     */
    void segments(int[] first, HostTensor a, HostTensor b, HostTensor c) {
        int n = b.extent(1);
        int k = b.extent(2);
        // Tiles have one size, so that what a row gets does not hang on how many there are beside it.
        int across = (n + SEGMENT_TILE - 1) / SEGMENT_TILE;
        List<int[]> tiles = new ArrayList<>();
        for (int segment = 0; segment + 1 < first.length; segment++) {
            for (int top = first[segment]; top < first[segment + 1]; top += SEGMENT_TILE) {
                int bottom = Math.min(first[segment + 1], top + SEGMENT_TILE);
                for (int tile = 0; tile < across; tile++) {
                    tiles.add(new int[] {segment, top, bottom, tile * SEGMENT_TILE});
                }
            }
        }
        threads.range(tiles.size(), work(1, first[first.length - 1], n, k), (from, to) -> {
            for (int i = from; i < to; i++) {
                int[] tile = tiles.get(i);
                int left = tile[3];
                int right = Math.min(n, left + SEGMENT_TILE);
                multiplier.product(
                        tile[2] - tile[1],
                        right - left,
                        k,
                        1,
                        a.slice(tile[1], tile[2]),
                        Turn.NONE,
                        entry(b, tile[0]).slice(left, right),
                        Turn.TRANSPOSED,
                        0,
                        c.slice(tile[1], tile[2]).columns(left, right));
            }
        });
    }

    /** Entry {@code index} of a tensor of three axes, as a matrix. */
    static HostTensor entry(HostTensor tensor, int index) {
        return tensor.slice(index, index + 1).reshape(tensor.extent(1), tensor.extent(2));
    }

    private static HostTensor matrix(HostTensor tensor) {
        return tensor.axes() == 2 ? tensor : tensor.reshape(tensor.rows(), tensor.extent(-1));
    }

    /** In elements touched, as loops are measured: a vector of products takes about as long as one of them. */
    private static long work(int count, int m, int n, int k) {
        return (long) count * m * n * k / 16;
    }

    private void tile(
            Tiles tiles,
            int tile,
            int k,
            double alpha,
            HostTensor a,
            Turn turnA,
            HostTensor b,
            Turn turnB,
            double beta,
            HostTensor c) {
        int top = tiles.firstRow(tile);
        int bottom = tiles.lastRow(tile);
        int left = tiles.firstColumn(tile);
        int right = tiles.lastColumn(tile);
        multiplier.product(
                bottom - top,
                right - left,
                k,
                alpha,
                turnA == Turn.NONE ? a.slice(top, bottom) : a.columns(top, bottom),
                turnA,
                turnB == Turn.NONE ? b.columns(left, right) : b.slice(left, right),
                turnB,
                beta,
                c.slice(top, bottom).columns(left, right));
    }
}
