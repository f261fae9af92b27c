package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.T5Config;
import java.util.Locale;

/** Reads rows for a model, beside training, and tells how long that took: training waited for rows no longer than so. */
final class RowReading {
    private final T5Config config;
    private final int rowsAtOnce;
    private long rows;
    private long nanos;

    /** @param rowsAtOnce rows of a micro-batch */
    RowReading(T5Config config, int rowsAtOnce) {
        this.config = config;
        this.rowsAtOnce = rowsAtOnce;
    }

    /** The micro-batch that begins with {@code firstRow}. */
    HostBatch read(TokenSource source, long firstRow) {
        long began = System.nanoTime();
        try (TokenBatch tokens = source.read(firstRow, rowsAtOnce)) {
            return TokenBatches.toHost(tokens, config);
        } finally {
            rows += rowsAtOnce;
            nanos += System.nanoTime() - began;
        }
    }

    /** Rows so far. */
    long rows() {
        return rows;
    }

    /** Time so far, a nanosecond or more. */
    double seconds() {
        return Math.max(1, nanos) / 1e9;
    }

    /** What a rank that ran for {@code all} seconds says at its end. */
    String summary(int rank, double all) {
        return String.format(
                Locale.ROOT,
                "reading held rank %d up for at most %.2f of %.1f s (%.2f%%): %d rows, %.0f a second",
                rank,
                seconds(),
                all,
                100 * seconds() / Math.max(all, 1e-9),
                rows,
                rows / seconds());
    }
}
