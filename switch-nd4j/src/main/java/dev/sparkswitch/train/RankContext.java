package dev.sparkswitch.train;

import dev.sparkswitch.collective.Rendezvous;
import java.util.List;

/** What a rank knows of the run it belongs to: its place in the world and a way to meet the others. */
public interface RankContext extends Rendezvous {
    /** This rank, 0 to {@code worldSize() - 1}. */
    @Override
    int rank();

    /** The number of ranks. */
    @Override
    int worldSize();

    /** The number of this attempt of the run, from 0; a later attempt fences the writers of the earlier ones. */
    @Override
    int attempt();

    /** The secret of this run, by which ranks prove to one another that they belong to it. Never logged. */
    @Override
    byte[] secret();

    /**
     * Hands {@code message} to every rank and returns everyone's messages, in rank order. Takes up to a second: for
     * bootstrap only, never per step.
     */
    @Override
    List<String> allGather(String message);

    /** Tells the driver how far the run is; cheap, delivered at the latest with the next heartbeat. */
    void report(TrainingStatus status);
}
