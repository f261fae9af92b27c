package dev.sparkswitch.train;

import java.io.Serializable;

/**
 * What each rank of a run does. Travels to the executors, so that it and what it refers to are serializable.
 *
 * @param <R> what a rank gives back
 */
@FunctionalInterface
public interface RankBody<R extends Serializable> extends Serializable {
    /**
     * Runs this rank's part.
     *
     * @throws Exception if this rank fails; it should have told the others by {@link
     *     dev.sparkswitch.collective.HostCollectives#abort} before
     */
    R run(RankContext context) throws Exception;
}
