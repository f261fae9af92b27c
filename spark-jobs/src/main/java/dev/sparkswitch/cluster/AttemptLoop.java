package dev.sparkswitch.cluster;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.train.FailureKind;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.RankOutcome.Failure;
import dev.sparkswitch.train.RankOutcome.Success;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The driver's loop: a barrier job an attempt, until one ends well. Spark's own retries are of no use here: they keep
 * the size of the world, and a barrier stage that gives results is never retried. The body finds the newest valid
 * checkpoint by itself; an attempt's number, in its context, fences the writers of the ones before.
 *
 * <p>A user's mistake or a defect ends the loop at once, for it would come again. A lost executor, a broken network or
 * an exhausted resource gives another attempt, on as many executors as came back in time. So does divergence, which the
 * trainer notes in the run's folder and counts by itself.
 */
public final class AttemptLoop {
    private static final Logger LOG = LoggerFactory.getLogger(AttemptLoop.class);

    private final RankLauncher launcher;
    private final AttemptOptions options;
    private final IntPredicate legalWorld;

    /** @param legalWorld whether a number of ranks can divide the work (experts, rows) among them */
    public AttemptLoop(RankLauncher launcher, AttemptOptions options, IntPredicate legalWorld) {
        this.launcher = launcher;
        this.options = options;
        this.legalWorld = legalWorld;
    }

    /**
     * Runs {@code body} until all ranks of an attempt end well.
     *
     * @param progress told how far the ranks are, on the calling thread
     * @return what the ranks gave back, in rank order
     * @throws UserException with the message of the rank whose user made a mistake, or if {@code ranks} is not legal
     * @throws ResourceException if there are not enough executors, or the attempts are used up
     * @throws dev.sparkswitch.base.InternalException if a rank met a defect
     */
    public <R extends Serializable> List<R> run(RankBody<R> body, Consumer<TrainingStatus> progress) {
        if (!legalWorld.test(options.ranks())) {
            throw new UserException("the work cannot be divided among ranks=" + options.ranks() + "; "
                    + largestLegal(options.ranks() - 1)
                            .map(ranks -> "set ranks to " + ranks)
                            .orElse("no smaller number of ranks will do either"));
        }
        String cause = null;
        int lost = 0;
        for (int attempt = 0; lost < options.maxAttempts(); attempt++) {
            int worldSize = chooseWorld(attempt, cause);
            String name = "attempt " + (attempt + 1) + ", after " + lost + " lost of at most " + options.maxAttempts()
                    + ", on " + worldSize + (worldSize == 1 ? " rank" : " ranks");
            if (cause == null) {
                LOG.info("{}", name);
            } else {
                LOG.warn("{}; cause: {}", name, cause);
            }
            List<RankOutcome<R>> outcomes;
            try {
                outcomes = launcher.run(worldSize, attempt, body, progress);
            } catch (ResourceException e) {
                // The executors that were there a moment ago are gone.
                cause = e.getMessage();
                lost++;
                continue;
            }
            Optional<Failure<R>> failure = RankOutcome.rootCause(outcomes);
            if (failure.isEmpty()) {
                return values(outcomes);
            }
            cause = failure.get().message();
            stopIfItWouldComeAgain(failure.get());
            // A run's own limit ends its divergences.
            lost += failure.get().kind() == FailureKind.DIVERGED ? 0 : 1;
        }
        throw new ResourceException("all " + options.maxAttempts() + " attempts failed, the last one because of: "
                + cause + "; the same command goes on from the last checkpoint");
    }

    private void stopIfItWouldComeAgain(Failure<?> failure) {
        switch (failure.kind()) {
            case USER, INTERNAL -> {
                LOG.debug("rank {} failed:\n{}", failure.rank(), failure.stack());
                throw failure.kind().exception(message(failure), new RankStack(failure));
            }
            case RESOURCE, DIVERGED -> LOG.debug("rank {} failed:\n{}", failure.rank(), failure.stack());
        }
    }

    /** The user is told what is wrong with the input; for a defect it matters where it was met. */
    private static String message(Failure<?> failure) {
        return failure.kind() == FailureKind.USER
                ? failure.message()
                : "rank " + failure.rank() + " met a defect: " + failure.message();
    }

    private int chooseWorld(int attempt, String cause) {
        int available =
                launcher.awaitRanks(options.ranks(), attempt == 0 ? options.firstWait() : options.replacementWait());
        Optional<Integer> worldSize = largestLegal(Math.min(available, options.ranks()));
        if (worldSize.isEmpty() || worldSize.get() < options.minRanks()) {
            String wanted = options.minRanks() == options.ranks()
                    ? options.ranks() + " ranks were"
                    : options.minRanks() + " to " + options.ranks() + " ranks were";
            throw new ResourceException(wanted + " asked for, one an executor, but Spark has " + launcher.describe()
                    + (cause == null ? "" : " after this failure: " + cause)
                    + "; set ranks or min-ranks to what is there, or give Spark more executors");
        }
        return worldSize.get();
    }

    private Optional<Integer> largestLegal(int most) {
        for (int ranks = most; ranks > 0; ranks--) {
            if (legalWorld.test(ranks)) {
                return Optional.of(ranks);
            }
        }
        return Optional.empty();
    }

    private static <R extends Serializable> List<R> values(List<RankOutcome<R>> outcomes) {
        List<R> values = new ArrayList<>(outcomes.size());
        for (RankOutcome<R> outcome : outcomes) {
            values.add(((Success<R>) outcome).value());
        }
        return values;
    }

    /** The stack trace of a rank, which happened in another process. */
    private static final class RankStack extends Exception {
        private static final long serialVersionUID = 1L;

        private RankStack(Failure<?> failure) {
            super("on rank " + failure.rank() + ": " + failure.stack(), null, false, false);
        }
    }
}
