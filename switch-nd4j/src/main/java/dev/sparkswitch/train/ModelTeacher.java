package dev.sparkswitch.train;

import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchTransformer;

/** A teacher that runs beside its student, on the same engine and ranks. Without dropout, so that it says the same always. */
public final class ModelTeacher implements Teacher {
    private final SwitchTransformer model;

    /** @param model the teacher's, closed with this */
    public ModelTeacher(SwitchTransformer model) {
        this.model = model;
    }

    /** The teacher's own model. */
    public SwitchTransformer model() {
        return model;
    }

    private record Told(SoftTargets.OfTeacher targets) implements Lesson {
        @Override
        public void close() {
            targets.hidden().close();
        }
    }

    @Override
    public Lesson teach(Batch batch, HostBatch host) {
        return new Told(model.softTargets(batch));
    }

    @Override
    public void close() {
        model.close();
    }
}
