package dev.sparkswitch.arrow;

/**
 * Where a run stands in its data: all that a checkpoint stores of it. It counts rows since the start of the run and never
 * restarts; a {@link TokenSource} wraps row numbers around its end, so it needs no epoch.
 *
 * @param nextRow the global id of the first row that the run has not used
 */
public record DataCursor(long nextRow) {
    /** The start of a run. */
    public static final DataCursor START = new DataCursor(0);

    public DataCursor {
        if (nextRow < 0) {
            throw new IllegalArgumentException("A cursor cannot stand at row " + nextRow);
        }
    }

    /** The cursor after {@code rows} more. */
    public DataCursor advance(long rows) {
        if (rows < 0) {
            throw new IllegalArgumentException("A cursor cannot advance by " + rows + " rows");
        }
        return new DataCursor(Math.addExact(nextRow, rows));
    }
}
