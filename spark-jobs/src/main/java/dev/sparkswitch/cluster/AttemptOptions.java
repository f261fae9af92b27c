package dev.sparkswitch.cluster;

import java.time.Duration;

/**
 * How often, and with how many ranks, a run is tried.
 *
 * @param ranks the ranks to run with
 * @param minRanks the fewest ranks to go on with when executors are missing
 * @param maxAttempts how many attempts there are in all
 * @param firstWait for executors before the first attempt
 * @param replacementWait for lost executors to come back before a later one
 */
public record AttemptOptions(int ranks, int minRanks, int maxAttempts, Duration firstWait, Duration replacementWait) {
    public AttemptOptions {
        if (minRanks < 1 || minRanks > ranks || maxAttempts < 1) {
            throw new IllegalArgumentException("between 1 and ranks=" + ranks + " ranks and at least one attempt: "
                    + "min-ranks=" + minRanks + ", max-attempts=" + maxAttempts);
        }
    }

    /** Always {@code ranks} ranks, five attempts; waits ten seconds at first and two minutes for a replacement. */
    public static AttemptOptions of(int ranks) {
        return new AttemptOptions(ranks, ranks, 5, Duration.ofSeconds(10), Duration.ofMinutes(2));
    }

    /** These options with other fewest ranks. */
    public AttemptOptions withMinRanks(int fewest) {
        return new AttemptOptions(ranks, fewest, maxAttempts, firstWait, replacementWait);
    }

    /** These options with another number of attempts. */
    public AttemptOptions withMaxAttempts(int most) {
        return new AttemptOptions(ranks, minRanks, most, firstWait, replacementWait);
    }

    /** These options with another time to wait for lost executors. */
    public AttemptOptions withReplacementWait(Duration wait) {
        return new AttemptOptions(ranks, minRanks, maxAttempts, firstWait, wait);
    }
}
