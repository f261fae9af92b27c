package dev.sparkswitch.corpus.overlap;

import java.util.function.Supplier;

/** Runs what starts a Spark job, so that a person sees what goes on. */
@FunctionalInterface
public interface Actions {
    <T> T run(String step, Supplier<T> action);
}
