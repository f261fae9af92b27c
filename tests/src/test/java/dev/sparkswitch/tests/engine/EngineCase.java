package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.EmulatedEngine;
import dev.sparkswitch.engine.nd4j.Nd4jEngine;
import java.util.Optional;
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
    private static final double FLOAT32_TOLERANCE = 1e-5;
    private static final double BF16_TOLERANCE = 2e-2;

    /** Every engine that runs here. */
    static Stream<EngineCase> all() {
        return Stream.of(host(), emulated()).flatMap(cases -> cases);
    }

    private static Stream<EngineCase> host() {
        return Stream.of(nd4j(Precision.FLOAT64, 1), nd4j(Precision.FLOAT32, 1), nd4j(Precision.FLOAT32, 2));
    }

    /** The CUDA engine on an emulated card, where one can be built. */
    private static Stream<EngineCase> emulated() {
        Optional<String> missing = EmulatedEngine.missing();
        missing.ifPresent(System.err::println);
        return missing.isPresent() ? Stream.empty() : Stream.of(emulated(Precision.FLOAT32), emulated(Precision.BF16));
    }

    private static EngineCase emulated(Precision precision) {
        return new EngineCase(
                "emulated cuda " + precision,
                () -> EmulatedEngine.open(precision),
                precision == Precision.BF16 ? BF16_TOLERANCE : FLOAT32_TOLERANCE);
    }

    static EngineCase nd4j(Precision precision, int threads) {
        return new EngineCase(
                "nd4j " + precision + " " + threads,
                () -> new Nd4jEngine(precision, threads),
                precision == Precision.FLOAT64 ? 1e-10 : FLOAT32_TOLERANCE);
    }

    Bench open() {
        return new Bench(this);
    }

    @Override
    public String toString() {
        return name;
    }
}
