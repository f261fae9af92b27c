package dev.sparkswitch.corpus;

import dev.sparkswitch.corpus.input.RawDocument;
import java.io.Serializable;

/**
 * Which rows of the input are looked at.
 *
 * @param share of the rows, chosen by hash; 1 for all
 * @param rows of each part at most, from its beginning
 */
record Sampling(double share, long[] rows) implements Serializable {
    private static final int ROWS_OF_A_PART = 200;

    /** A sample of a share of the rows. */
    static Sampling share(double share) {
        return new Sampling(share, new long[0]);
    }

    /** A sample of a number of rows, about the same from each of {@code parts}. */
    static Sampling rows(long wanted, int parts) {
        long[] rows = new long[parts];
        for (int part = 0; part < parts; part++) {
            rows[part] = wanted / parts + (part < wanted % parts ? 1 : 0);
        }
        return new Sampling(1, rows);
    }

    /** The parts, of those there are, from which {@code wanted} rows are taken: some rows of a few far apart. */
    static int parts(long wanted, int there) {
        return (int) Math.min(there, Math.max(1, (wanted - 1) / ROWS_OF_A_PART + 1));
    }

    long rows(int part) {
        return rows.length == 0 ? Long.MAX_VALUE : rows[part];
    }

    boolean takes(RawDocument row) {
        return share >= 1 || (Hashes.of(row.place()) >>> 11) * 0x1p-53 < share;
    }
}
