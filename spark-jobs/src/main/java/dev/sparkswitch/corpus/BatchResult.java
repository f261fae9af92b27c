package dev.sparkswitch.corpus;

/** The two boxes of shards that {@link Batch} makes. */
public record BatchResult(JobResult train, JobResult heldout) {
    /** Whether both were there already. */
    public boolean wasComplete() {
        return train.wasComplete() && heldout.wasComplete();
    }
}
