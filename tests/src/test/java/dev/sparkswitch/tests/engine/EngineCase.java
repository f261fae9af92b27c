package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * An engine that is to keep the contract of {@link Engine}.
 *
 * @param name for the reports
 * @param maker makes a new one
 * @param tolerance the largest norm of an error over the norm of the right result
 */
record EngineCase(String name, Supplier<Engine> maker, double tolerance) {
    /** Every engine that runs here. */
    static Stream<EngineCase> all() {
        return Stream.of(nd4j(Precision.FLOAT64, 1), nd4j(Precision.FLOAT32, 1), nd4j(Precision.FLOAT32, 2));
    }

    static EngineCase nd4j(Precision precision, int threads) {
        return new EngineCase(
                "nd4j " + precision + " " + threads,
                () -> new Nd4jEngine(precision, threads),
                precision == Precision.FLOAT64 ? 1e-10 : 1e-5);
    }

    Bench open() {
        return new Bench(this);
    }

    @Override
    public String toString() {
        return name;
    }
}
