package dev.sparkswitch.checkpoint;

/**
 * Which checkpoints of a run are kept.
 *
 * @param newest the number of newest ones, at least 1
 * @param best the number of those with the least score that are kept beside them, at least 0
 */
public record Retention(int newest, int best) {
    public Retention {
        if (newest < 1 || best < 0) {
            throw new IllegalArgumentException(
                    "keep at least one newest and no negative number of best checkpoints, not " + newest + " and "
                            + best);
        }
    }
}
