package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.Manifest;
import java.util.Comparator;
import java.util.OptionalDouble;
import org.apache.hadoop.fs.Path;

/**
 * A committed checkpoint.
 *
 * @param folder where it lies
 * @param step the steps done
 * @param attempt the attempt of the run that wrote it
 * @param manifest what it holds
 */
public record CheckpointRef(Path folder, long step, int attempt, Manifest manifest) {
    static final String SCORE = "score";

    /** The newest last: a later attempt's checkpoints are newer than an earlier one's, whatever their steps. */
    static final Comparator<CheckpointRef> BY_AGE =
            Comparator.comparingInt(CheckpointRef::attempt).thenComparingLong(CheckpointRef::step);

    /** The least score first; of equal ones the one of fewer steps, which was there first. */
    static final Comparator<CheckpointRef> BY_SCORE = Comparator.comparingDouble(
                    (CheckpointRef ref) -> ref.score().getAsDouble())
            .thenComparingLong(CheckpointRef::step);

    /** What the best checkpoint has least of; empty where none was measured. */
    public OptionalDouble score() {
        String score = manifest.properties().get(SCORE);
        return score == null ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(score));
    }
}
