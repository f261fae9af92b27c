package dev.sparkswitch.arrow;

import dev.sparkswitch.base.Manifest;

/**
 * Rows of tokens by their global row id. A row at or past {@link #rows} is row {@code id % rows()}: the data repeats, while
 * ids go on, so that random streams keyed by them differ in every pass. Safe for use by several threads.
 */
public interface TokenSource extends AutoCloseable {
    /** The form of the rows. */
    ShardLayout layout();

    /** The manifest of the box that the rows come from. */
    Manifest manifest();

    /** The number of different rows, at least 1. */
    long rows();

    /**
     * Reads consecutive rows. The caller closes the batch.
     *
     * @param firstRow the global id of the first, at least 0
     * @param rows how many, at least 1
     * @throws dev.sparkswitch.base.UserException if a file is damaged
     */
    TokenBatch read(long firstRow, int rows);

    /** The sum of the target tokens (not padding) of consecutive rows, without reading the tokens. */
    long targetTokens(long firstRow, int rows);

    @Override
    void close();
}
