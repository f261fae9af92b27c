package dev.sparkswitch.bench;

import java.util.function.Supplier;

/** What watches an engine's operations. */
interface Meter {
    /**
     * Runs an operation.
     *
     * @param flops the arithmetic of its products
     * @param bytes of its operands
     */
    <T> T measure(Phase phase, String operation, double flops, double bytes, Supplier<T> work);
}
