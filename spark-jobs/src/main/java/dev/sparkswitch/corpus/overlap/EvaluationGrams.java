package dev.sparkswitch.corpus.overlap;

import java.io.Serializable;

/**
 * The word runs of some evaluation sets, by their hashes: which sets hold a run. Sixteen bytes a run at most four times
 * over. Immutable; safe for several threads.
 */
public final class EvaluationGrams implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int length;
    private final int size;
    /** Open addressing with linear probing; a cell whose sets are 0 is empty. */
    private final long[] hashes;

    private final long[] sets;

    /** @param runs hashes with the sets that hold them, as bits, [2 runs]: hash, sets, hash, sets...; may recur */
    EvaluationGrams(int length, long[] runs) {
        this.length = length;
        int capacity = Integer.highestOneBit(Math.max(runs.length, 8)) << 1;
        this.hashes = new long[capacity];
        this.sets = new long[capacity];
        int distinct = 0;
        for (int i = 0; i < runs.length; i += 2) {
            int cell = cell(runs[i]);
            distinct += sets[cell] == 0 ? 1 : 0;
            hashes[cell] = runs[i];
            sets[cell] |= runs[i + 1];
        }
        this.size = distinct;
    }

    /** Words of a run. */
    public int length() {
        return length;
    }

    /** Different runs. */
    public int size() {
        return size;
    }

    /** The sets that hold the run with this hash, as bits. */
    public long sets(long hash) {
        return sets[cell(hash)];
    }

    /** The cell of a hash, or the empty one where it would go. */
    private int cell(long hash) {
        int mask = hashes.length - 1;
        int cell = (int) hash & mask;
        while (sets[cell] != 0 && hashes[cell] != hash) {
            cell = cell + 1 & mask;
        }
        return cell;
    }
}
