package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.DataSize;
import dev.sparkswitch.base.Setting;
import dev.sparkswitch.model.Contradictions;
import java.time.Duration;
import java.util.Optional;

/**
 * How a run is spread.
 *
 * @param place where ranks run
 * @param ranks ranks that train: executors, one rank each
 * @param minRanks the fewest ranks to go on with when executors are lost for good; 0: as many as ranks
 * @param expertParallel ranks over which one copy of the experts is spread; 0: all
 * @param maxAttempts attempts before the run gives up
 * @param timeLimit the time after which the command stops with a checkpoint, to go on when it is run again
 * @param firstCard the card of rank 0 where ranks run in this process; rank r takes the r-th from there
 * @param coresPerRank cores of an executor, where no cluster is named and executors are started on this host
 * @param memoryPerRank heap of an executor, likewise
 */
public record ClusterSettings(
        @Setting(value = "spark", help = "where ranks run: spark (executors), or host (this process, without Spark)")
        Place place,

        @Setting(value = "1", help = "executors that train, one rank each")
        int ranks,

        @Setting(value = "0", help = "fewest ranks to go on with after a loss; 0: as many as ranks")
        int minRanks,

        @Setting(value = "0", help = "ranks that share one copy of the experts; 0: all")
        int expertParallel,

        @Setting(value = "5", help = "attempts before the run gives up")
        int maxAttempts,

        @Setting(help = "stop with a checkpoint after this time, such as 9m; the same command goes on from there")
        Optional<Duration> timeLimit,

        @Setting(value = "0", help = "the card of the first rank, where ranks run in this process")
        int firstCard,

        @Setting(value = "1", help = "cores of an executor, where executors are started on this host")
        int coresPerRank,

        @Setting(value = "1GiB", help = "heap of an executor, where executors are started on this host")
        DataSize memoryPerRank) {
    /** Where ranks run. */
    public enum Place {
        /** In executors, one rank each. */
        SPARK,
        /** As threads of this process, which needs no Spark; rank r takes the r-th card where it computes on cards. */
        HOST
    }

    public ClusterSettings {
        Contradictions.none(found -> found.atLeast(1, "ranks", ranks)
                .atLeast(0, "min-ranks", minRanks)
                .check(minRanks <= ranks, "min-ranks " + minRanks + " exceeds the " + ranks + " ranks")
                .atLeast(0, "expert-parallel", expertParallel)
                .check(
                        expertParallel <= ranks,
                        "expert-parallel " + expertParallel + " exceeds the " + ranks + " ranks")
                .atLeast(1, "max-attempts", maxAttempts)
                .atLeast(0, "first-card", firstCard)
                .atLeast(1, "cores-per-rank", coresPerRank));
    }

    /** These settings with the executors of several such runs, where executors are started on this host. */
    public ClusterSettings together(int runs) {
        return new ClusterSettings(
                place,
                ranks * runs,
                minRanks,
                expertParallel,
                maxAttempts,
                timeLimit,
                firstCard,
                coresPerRank,
                memoryPerRank);
    }

    /** The ranks that share one copy of the experts in a world of {@code worldSize}. */
    public int expertParallel(int worldSize) {
        return expertParallel == 0 ? worldSize : Math.min(expertParallel, worldSize);
    }
}
