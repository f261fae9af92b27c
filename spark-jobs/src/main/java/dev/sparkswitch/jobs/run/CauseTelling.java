package dev.sparkswitch.jobs.run;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.cluster.RankLauncher;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Tells the person who watches, and the attempt that follows, why an attempt ended. */
final class CauseTelling implements RankLauncher {
    private final RankLauncher launcher;
    private final TrainingRank first;
    private final String command;
    private String cause = "";

    CauseTelling(RankLauncher launcher, TrainingRank first, String command) {
        this.launcher = launcher;
        this.first = first;
        this.command = command;
    }

    @Override
    public int awaitRanks(int wanted, Duration wait) {
        return launcher.awaitRanks(wanted, wait);
    }

    @Override
    public String describe() {
        return launcher.describe();
    }

    @Override
    @SuppressWarnings("unchecked")
    public <R extends Serializable> List<RankOutcome<R>> run(
            int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
        if (!cause.isEmpty()) {
            System.err.println("\n" + command + ": attempt " + (attempt + 1) + " on " + worldSize
                    + (worldSize == 1 ? " rank" : " ranks")
                    + " from the newest checkpoint; the one before ended because: "
                    + cause);
        }
        // The loop was given this body, so that the next attempt's may stand in for it.
        RankBody<R> next = body == first ? (RankBody<R>) first.after(cause) : body;
        List<RankOutcome<R>> outcomes;
        try {
            outcomes = launcher.run(worldSize, attempt, next, progress);
        } catch (ResourceException e) {
            cause = e.getMessage();
            throw e;
        }
        RankOutcome.rootCause(outcomes).ifPresent(failure -> cause = failure.message());
        return outcomes;
    }
}
