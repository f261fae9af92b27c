package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Which example goes to which shard. Examples are ordered by random keys; the keys' range is cut into equal bins, and
 * consecutive bins are put together to shards of about the wanted number of rows.
 */
final class ShufflePlan implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final int BIN_BITS = 12;
    static final int BINS = 1 << BIN_BITS;

    private final int[] shardOfBin = new int[BINS];
    private final long[] firstRows;

    /**
     * @param rowsOfBin examples whose keys lie in each bin
     * @param shardRows rows that a shard should have
     */
    ShufflePlan(long[] rowsOfBin, long shardRows) {
        long total = Arrays.stream(rowsOfBin).sum();
        int shards = (int) Math.min(BINS, Math.max(1, (total + shardRows - 1) / shardRows));
        firstRows = new long[shards];
        long before = 0;
        int shard = 0;
        for (int bin = 0; bin < BINS; bin++) {
            // The next shard begins where the rows so far are its even share or more.
            if (shard + 1 < shards && before >= total * (shard + 1L) / shards) {
                shard++;
                firstRows[shard] = before;
            }
            shardOfBin[bin] = shard;
            before += rowsOfBin[bin];
        }
        for (int unused = shard + 1; unused < shards; unused++) {
            firstRows[unused] = total;
        }
    }

    /** The bin of a key, in the order of keys as signed numbers. */
    static int bin(long key) {
        return (int) ((key ^ Long.MIN_VALUE) >>> (Long.SIZE - BIN_BITS));
    }

    int shards() {
        return firstRows.length;
    }

    int shard(long key) {
        return shardOfBin[bin(key)];
    }

    /** The global row that {@code shard} begins with. */
    long firstRow(int shard) {
        return firstRows[shard];
    }
}
