package dev.sparkswitch.cluster;

import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Starts the ranks of an attempt somewhere. */
public interface RankLauncher {
    /**
     * Waits until {@code wanted} ranks could start, at most for {@code wait}.
     *
     * @return how many ranks could start now; may be more than {@code wanted}
     */
    int awaitRanks(int wanted, Duration wait);

    /** What there is to run ranks on, for a message: "2 executors of 1 core each". */
    String describe();

    /**
     * Runs {@code body} on {@code worldSize} ranks and waits for them.
     *
     * @param attempt the number of this attempt, from 0
     * @param progress told how far the ranks are, on the calling thread
     * @return how each rank ended, in rank order; a rank whose process was lost has an outcome too
     */
    <R extends Serializable> List<RankOutcome<R>> run(
            int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress);
}
