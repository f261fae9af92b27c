package dev.sparkswitch.engine.cuda;

/** How threads share the rows of a matrix: a thread takes eight columns, alone or in a team that owns the row. See rows.cuh. */
final class RowLaunch {
    private static final int COLUMNS = 8;
    private static final int THREADS = 256;
    /** Threads of a block of teams, where one team is not larger: so many that two blocks of 64 registers run at once. */
    private static final int TEAM_THREADS = 384;

    private static final int MOST_THREADS = 1024;

    private RowLaunch() {}

    /** Threads that a row of {@code width} columns takes. */
    static int itemsARow(int width) {
        return (width + COLUMNS - 1) / COLUMNS;
    }

    /** Threads that all rows take. */
    static int items(long rows, int width) {
        return Math.toIntExact(rows * itemsARow(width));
    }

    /** A grid of one thread for every eight columns. */
    static Launch each(long rows, int width) {
        return Launch.covering(items(rows, width), THREADS, THREADS);
    }

    /** The threads of a team that holds a whole row: whole warps. */
    static int team(int width) {
        int warps = (itemsARow(width) + Launch.WARP - 1) / Launch.WARP;
        int team = Math.max(1, warps) * Launch.WARP;
        if (team > MOST_THREADS) {
            throw new IllegalArgumentException(
                    "rows of " + width + " columns: this engine takes up to " + MOST_THREADS * COLUMNS);
        }
        return team;
    }

    /** Teams of a block. */
    static int teams(int team) {
        return Math.max(1, TEAM_THREADS / team);
    }

    /** A grid of at most {@code mostBlocks} blocks of teams, each of which takes a row and walks on from there. */
    static Launch teams(long rows, int team, int mostBlocks) {
        int teams = teams(team);
        return Launch.of(Math.min(mostBlocks, (rows + teams - 1) / teams), teams * team);
    }
}
