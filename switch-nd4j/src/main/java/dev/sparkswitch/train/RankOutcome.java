package dev.sparkswitch.train;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.SparkSwitchException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.collective.CollectiveException;
import java.io.IOException;
import java.io.ObjectStreamException;
import java.io.PrintWriter;
import java.io.Serializable;
import java.io.StringWriter;
import java.util.List;
import java.util.Optional;

/**
 * How a rank ended. Plain data, so that it reaches the driver whatever was thrown.
 *
 * @param <R> what a rank gives back
 */
public sealed interface RankOutcome<R extends Serializable> extends Serializable {
    /** The rank, 0 to the world size - 1. */
    int rank();

    /**
     * A rank that ended well.
     *
     * @param value what it gave back
     */
    record Success<R extends Serializable>(int rank, R value) implements RankOutcome<R> {}

    /**
     * A rank that failed.
     *
     * @param kind whose fault it is
     * @param message one sentence for the person who ran the command
     * @param stack the stack trace, for a log; may be empty
     * @param failedRank the rank that failed first as far as this one knows: itself, another, or -1 if it cannot tell
     */
    record Failure<R extends Serializable>(int rank, FailureKind kind, String message, String stack, int failedRank)
            implements RankOutcome<R> {
        /** Whether this rank failed only because another one had failed. */
        public boolean consequence() {
            return failedRank != rank;
        }
    }

    /** The failure of {@code rank} by {@code thrown}. */
    static <R extends Serializable> Failure<R> failure(int rank, Throwable thrown) {
        StringWriter stack = new StringWriter();
        thrown.printStackTrace(new PrintWriter(stack));
        for (Throwable link = thrown; link != null; link = link.getCause()) {
            if (link instanceof CollectiveException collective && collective.failedRank() != rank) {
                String message = collective.getMessage();
                return new Failure<>(rank, FailureKind.RESOURCE, message, stack.toString(), collective.failedRank());
            }
        }
        for (Throwable link = thrown; link != null; link = link.getCause()) {
            Optional<FailureKind> kind = kind(link);
            if (kind.isPresent()) {
                return new Failure<>(rank, kind.get(), describe(link), stack.toString(), rank);
            }
        }
        return new Failure<>(rank, FailureKind.INTERNAL, describe(thrown), stack.toString(), rank);
    }

    /**
     * The failure that the others follow from: that of a rank which blames itself, the user's fault before a defect before
     * divergence before a lost resource; else that of any rank. Empty where all ranks ended well.
     */
    static <R extends Serializable> Optional<Failure<R>> rootCause(List<RankOutcome<R>> outcomes) {
        Failure<R> root = null;
        for (RankOutcome<R> outcome : outcomes) {
            if (outcome instanceof Failure<R> failure && (root == null || weight(failure) < weight(root))) {
                root = failure;
            }
        }
        return Optional.ofNullable(root);
    }

    private static int weight(Failure<?> failure) {
        int kind =
                switch (failure.kind()) {
                    case USER -> 0;
                    case INTERNAL -> 1;
                    case DIVERGED -> 2;
                    case RESOURCE -> 3;
                };
        return failure.consequence() ? kind + 4 : kind;
    }

    private static Optional<FailureKind> kind(Throwable thrown) {
        if (thrown instanceof UserException) {
            return Optional.of(FailureKind.USER);
        }
        if (thrown instanceof DivergenceException) {
            return Optional.of(FailureKind.DIVERGED);
        }
        if (thrown instanceof ResourceException
                || (thrown instanceof IOException && !(thrown instanceof ObjectStreamException))
                || thrown instanceof CollectiveException
                || thrown instanceof OutOfMemoryError
                || thrown instanceof InterruptedException) {
            return Optional.of(FailureKind.RESOURCE);
        }
        return thrown instanceof InternalException ? Optional.of(FailureKind.INTERNAL) : Optional.empty();
    }

    private static String describe(Throwable thrown) {
        String message = String.valueOf(thrown.getMessage());
        return thrown instanceof SparkSwitchException
                        || thrown instanceof CollectiveException
                        || thrown instanceof DivergenceException
                ? message
                : thrown.getClass().getSimpleName() + ": " + message;
    }
}
