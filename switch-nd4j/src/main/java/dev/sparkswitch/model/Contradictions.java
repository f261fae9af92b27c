package dev.sparkswitch.model;

import dev.sparkswitch.base.UserException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Gathers everything that is wrong with a configuration, so that a person can mend all of it at once. */
public final class Contradictions {
    // The same field may be read more than once, but its fault is told once.
    private final Set<String> messages = new LinkedHashSet<>();

    /**
     * Runs {@code checks}.
     *
     * @throws UserException with all that they found
     */
    public static void none(Consumer<Contradictions> checks) {
        Contradictions found = new Contradictions();
        checks.accept(found);
        found.raise("");
    }

    /** Notes {@code message} unless {@code holds}. */
    public Contradictions check(boolean holds, String message) {
        if (!holds) {
            messages.add(message);
        }
        return this;
    }

    /** Notes a value below {@code least}. */
    public Contradictions atLeast(int least, String name, int value) {
        return check(value >= least, name + " is " + value + " but must be at least " + least);
    }

    /** Notes a value that is not finite and above 0. */
    public Contradictions positive(String name, double value) {
        return check(value > 0 && Double.isFinite(value), name + " is " + value + " but must be above 0");
    }

    /** Notes a value that is not finite and at least 0. */
    public Contradictions notNegative(String name, double value) {
        return check(value >= 0 && Double.isFinite(value), name + " is " + value + " but must be 0 or above");
    }

    /** Notes a value outside [0, 1). */
    public Contradictions fraction(String name, double value) {
        return check(value >= 0 && value < 1, name + " is " + value + " but must be at least 0 and below 1");
    }

    /** What {@code maker} makes, or empty where it found contradictions, which then count as found here. */
    public <T> Optional<T> attempt(Supplier<T> maker) {
        try {
            return Optional.of(maker.get());
        } catch (UserException e) {
            messages.add(e.getMessage());
            return Optional.empty();
        }
    }

    /** What was found, each fault once. */
    public List<String> messages() {
        return List.copyOf(messages);
    }

    /** Whether nothing was found. */
    public boolean isEmpty() {
        return messages.isEmpty();
    }

    /** Runs a check of its own; what it refuses counts as found here. */
    public void collect(Runnable check) {
        attempt(() -> {
            check.run();
            return true;
        });
    }

    /** @throws UserException with all that was found, in one sentence */
    public void raise(String prefix) {
        if (!messages.isEmpty()) {
            throw new UserException(prefix + String.join("; ", messages));
        }
    }

    /** @throws UserException with all that was found, a line each where there is more than one */
    public void raiseLines() {
        if (!messages.isEmpty()) {
            String heading = messages.size() == 1 ? "" : messages.size() + " settings are wrong:\n  ";
            throw new UserException(heading + String.join("\n  ", messages));
        }
    }
}
