package dev.sparkswitch.train;

import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;

/** Whoever a student learns from: a model, or what was kept of its answers. */
public interface Teacher extends AutoCloseable {
    /** Distributions over the vocabulary in an engine's memory, until they are closed. */
    interface Lesson extends AutoCloseable {
        SoftTargets targets();

        @Override
        void close();
    }

    /**
     * What the teacher says of a batch's targets. Ranks that share its experts call it together.
     *
     * @param host what {@code batch} was uploaded from
     */
    Lesson teach(Batch batch, HostBatch host);

    @Override
    void close();
}
