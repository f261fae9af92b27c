package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What operations ran, from when to when, by an engine's clock; exchanges between ranks by that of the exchanges too. Nothing is
 * marked until it is told to be.
 */
final class Timeline implements Meter {
    private record Span(Phase phase, String operation, double flops, Moment start, Moment end) {}

    private final Engine clock;
    private final List<Span> spans = new ArrayList<>();
    private final Map<Phase, Work> phases = new EnumMap<>(Phase.class);
    private final Map<Phase, Map<String, Work>> operations = new EnumMap<>(Phase.class);
    private final List<Span> exchangeSpans = new ArrayList<>();
    private Work exchanges = new Work(0, 0, 0);
    private Marks marks = Marks.NONE;

    /** What is marked. Marks take time themselves, and slow operations beside which exchanges run. */
    enum Marks {
        NONE,
        EXCHANGES,
        ALL
    }

    Timeline(Engine clock) {
        this.clock = clock;
    }

    void start(Marks wanted) {
        marks = wanted;
    }

    /** Whether exchanges are to be told of. */
    boolean marksExchanges() {
        return marks != Marks.NONE;
    }

    private boolean marks(Phase phase) {
        return switch (marks) {
            case NONE -> false;
            case EXCHANGES -> phase == Phase.COMMUNICATION;
            case ALL -> true;
        };
    }

    /** An exchange ran, beside the engine's operations or not. */
    void exchange(String operation, Moment start, Moment end) {
        exchangeSpans.add(new Span(Phase.COMMUNICATION, operation, 0, start, end));
    }

    @Override
    public <T> T measure(Phase phase, String operation, double flops, double bytes, Supplier<T> work) {
        if (!marks(phase)) {
            return work.get();
        }
        Moment start = clock.moment();
        T result = work.get();
        spans.add(new Span(phase, operation, flops, start, clock.moment()));
        return result;
    }

    /** Adds the spans that were marked to the sums, waiting for the last. */
    void stop() {
        marks = Marks.NONE;
        for (Span span : spans) {
            Work work = work(span);
            phases.merge(span.phase(), work, Work::plus);
            operations
                    .computeIfAbsent(span.phase(), phase -> new TreeMap<>())
                    .merge(span.operation(), work, Work::plus);
        }
        spans.clear();
        for (Span span : exchangeSpans) {
            exchanges = exchanges.plus(work(span));
        }
        exchangeSpans.clear();
    }

    private static Work work(Span span) {
        double seconds = span.end().secondsSince(span.start());
        span.start().close();
        span.end().close();
        return new Work(1, seconds, span.flops());
    }

    /** Forgets the sums. */
    void clear() {
        phases.clear();
        operations.clear();
        exchanges = new Work(0, 0, 0);
    }

    /** The sum over the exchanges of what each took itself. */
    Work exchanges() {
        return exchanges;
    }

    /** The sums by phase; phases in which nothing ran are left out. */
    Map<Phase, Work> phases() {
        return phases;
    }

    /** The sums by operation and its shapes. */
    Map<Phase, Map<String, Work>> operations() {
        return operations;
    }
}
