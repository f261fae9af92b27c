package dev.sparkswitch.collective;

import java.util.List;
import java.util.Optional;

/** How a rank meets the others before it is connected with them. */
public interface Rendezvous {
    /** This rank, 0 to {@code worldSize() - 1}. */
    int rank();

    /** The number of ranks. */
    int worldSize();

    /** The number of this attempt of the run, from 0; ranks of different attempts do not connect. */
    int attempt();

    /**
     * The secret of this run, by which ranks prove to one another that they belong to it: at least 16 bytes. Never
     * logged.
     */
    byte[] secret();

    /**
     * The address or name by which the other ranks reach this one, where it is known. Empty: the network interfaces
     * are asked.
     */
    default Optional<String> host() {
        return Optional.empty();
    }

    /**
     * Hands {@code message} to every rank and returns everyone's messages, in rank order. Takes up to a second: for
     * bootstrap only, never per step.
     */
    List<String> allGather(String message);
}
