package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.sparkswitch.base.UserException;

/**
 * A divergence that a run went back from. A batch is what one step reads; batches count from 0 in the order of the data.
 *
 * @param step the step that was not taken, from 1
 * @param firstBatch the first batch that the run leaves out from then on
 * @param lastBatch the last one
 * @param cause what was met
 */
public record Rollback(long step, long firstBatch, long lastBatch, String cause) {
    public Rollback {
        if (step < 1 || firstBatch < 0 || lastBatch < firstBatch) {
            throw new IllegalArgumentException(
                    "at step " + step + " no batches " + firstBatch + " to " + lastBatch + " can be left out");
        }
    }

    ObjectNode toJson() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("step", step)
                .put("first-batch", firstBatch)
                .put("last-batch", lastBatch)
                .put("cause", cause);
    }

    static Rollback fromJson(JsonNode tree, String where) {
        try {
            return new Rollback(
                    tree.path("step").asLong(-1),
                    tree.path("first-batch").asLong(-1),
                    tree.path("last-batch").asLong(-1),
                    tree.path("cause").asText());
        } catch (IllegalArgumentException e) {
            throw new UserException(
                    where + " holds a roll-back that is none (" + e.getMessage() + "): restore the file from a copy.",
                    e);
        }
    }
}
