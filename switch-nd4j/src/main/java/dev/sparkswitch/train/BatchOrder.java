package dev.sparkswitch.train;

import dev.sparkswitch.checkpoint.Rollback;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Which batch each step reads: all in their order, but those that the run leaves out after a divergence. */
final class BatchOrder {
    private final List<Rollback> skipped;

    BatchOrder(List<Rollback> rollbacks) {
        this.skipped = new ArrayList<>(rollbacks);
        this.skipped.sort(Comparator.comparingLong(Rollback::firstBatch));
    }

    /** The batch of the {@code step}-th step; both count from 0. */
    long batch(long step) {
        long batch = step;
        long next = 0;
        for (Rollback range : skipped) {
            long first = Math.max(range.firstBatch(), next);
            if (first > batch) {
                break;
            }
            batch += Math.max(0, range.lastBatch() + 1 - first);
            next = Math.max(next, range.lastBatch() + 1);
        }
        return batch;
    }
}
