package dev.sparkswitch.collective;

import java.util.List;
import java.util.stream.IntStream;

/**
 * An ordered set of world ranks that take part in a collective operation.
 *
 * @param ranks ascending world ranks, without repetition
 */
public record RankGroup(List<Integer> ranks) {
    public RankGroup {
        ranks = List.copyOf(ranks);
        if (ranks.isEmpty()) {
            throw new IllegalArgumentException("a group has at least one rank");
        }
        for (int i = 1; i < ranks.size(); i++) {
            if (ranks.get(i - 1) >= ranks.get(i)) {
                throw new IllegalArgumentException("ranks must ascend: " + ranks);
            }
        }
    }

    /** All ranks of a world. */
    public static RankGroup world(int worldSize) {
        return new RankGroup(IntStream.range(0, worldSize).boxed().toList());
    }

    public int size() {
        return ranks.size();
    }

    /** The position of {@code rank} in this group, or -1. */
    public int indexOf(int rank) {
        return ranks.indexOf(rank);
    }
}
