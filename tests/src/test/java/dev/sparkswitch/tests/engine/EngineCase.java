package dev.sparkswitch.tests.engine;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.cuda.CudaCards;
import dev.sparkswitch.engine.cuda.EmulatedEngine;
import dev.sparkswitch.engine.nd4j.HostEngines;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * An engine that is to keep the contract of {@link Engine}.
 *
 * @param name for the reports
 * @param precision what it computes in
 * @param threads how many threads of the host it uses
 * @param maker makes a new one for a rank, on a card of its own as far as there are cards
 * @param tolerance the largest norm of an error over the norm of the right result
 */
public record EngineCase(String name, Precision precision, int threads, IntFunction<Engine> maker, double tolerance) {
    private static final double FLOAT32_TOLERANCE = 1e-5;
    private static final double BF16_TOLERANCE = 2e-2;
    /** What has been said to be missing. */
    private static final Set<String> TOLD = ConcurrentHashMap.newKeySet();

    /** System property: the groups of engines to run, of host, emulated and card; all by default. */
    private static final String GROUPS = "sparkswitch.engines";

    /** Every engine that runs here. */
    public static Stream<EngineCase> all() {
        Set<String> groups =
                Set.of(System.getProperty(GROUPS, "host,emulated,card").split(","));
        List<EngineCase> cases = new ArrayList<>();
        if (groups.contains("host")) {
            cases.add(nd4j(Precision.FLOAT64, 1));
            cases.add(nd4j(Precision.FLOAT32, 1));
            cases.add(nd4j(Precision.FLOAT32, 2));
            cases.add(nd4j(Precision.BF16_PRODUCTS, 2));
        }
        if (groups.contains("emulated") && isHere(EmulatedEngine.missing())) {
            cases.add(cuda("emulated cuda", (precision, rank) -> EmulatedEngine.open(precision), Precision.FLOAT32));
            cases.add(cuda("emulated cuda", (precision, rank) -> EmulatedEngine.open(precision), Precision.BF16));
        }
        if (groups.contains("card") && isHere(CudaCards.missing())) {
            cases.add(cuda("cuda", CudaCards::open, Precision.FLOAT32));
            cases.add(cuda("cuda", CudaCards::open, Precision.BF16));
        }
        return cases.stream();
    }

    private static boolean isHere(Optional<String> missing) {
        missing.filter(TOLD::add).ifPresent(System.err::println);
        return missing.isEmpty();
    }

    private static EngineCase cuda(String name, BiFunction<Precision, Integer, Engine> maker, Precision precision) {
        return new EngineCase(
                name + " " + precision,
                precision,
                1,
                rank -> maker.apply(precision, rank),
                precision == Precision.BF16 ? BF16_TOLERANCE : FLOAT32_TOLERANCE);
    }

    /** The emulated card in bf16 without one of the CUDA engine's ways of computing. */
    static EngineCase emulatedWithout(String way) {
        return cuda("emulated cuda", (kind, rank) -> EmulatedEngine.open(kind), Precision.BF16)
                .without(way);
    }

    /** This one, a card, without one of the CUDA engine's ways of computing. */
    EngineCase without(String way) {
        return new EngineCase(
                name + " without " + way,
                precision,
                threads,
                rank -> EmulatedEngine.without(way, () -> make(rank)),
                tolerance);
    }

    /** Every CUDA engine that runs here, on cards or emulated ones. */
    static Stream<EngineCase> cards() {
        return all().filter(engineCase -> engineCase.name().contains("cuda"));
    }

    /** This one, and with it the emulated cards that reach others where this is one that does not. */
    List<EngineCase> linked() {
        if (!name.startsWith("emulated")) {
            return List.of(this);
        }
        return List.of(
                this,
                cuda("linked emulated cuda", (kind, rank) -> EmulatedEngine.openLinked(kind), precision),
                cuda("sending emulated cuda", (kind, rank) -> EmulatedEngine.openSending(kind), precision));
    }

    static EngineCase nd4j(Precision precision, int threads) {
        return host("nd4j", precision, threads, rank -> HostEngines.open(precision, threads));
    }

    /** The host's engine that lets ND4J multiply, as it does where a card of ND4J's is at work. */
    static EngineCase nd4jProducts(Precision precision) {
        return host("nd4j products", precision, 2, rank -> HostEngines.multiplyingByNd4j(precision));
    }

    private static EngineCase host(String name, Precision precision, int threads, IntFunction<Engine> maker) {
        return new EngineCase(
                name + " " + precision + " " + threads,
                precision,
                threads,
                maker,
                switch (precision) {
                    case FLOAT64 -> 1e-10;
                    case FLOAT32 -> FLOAT32_TOLERANCE;
                    case BF16_PRODUCTS, BF16 -> BF16_TOLERANCE;
                });
    }

    /** A new engine. */
    public Engine make() {
        return make(0);
    }

    /** A new engine for a rank. */
    public Engine make(int rank) {
        return maker.apply(rank);
    }

    Bench open() {
        return new Bench(this);
    }

    @Override
    public String toString() {
        return name;
    }
}
