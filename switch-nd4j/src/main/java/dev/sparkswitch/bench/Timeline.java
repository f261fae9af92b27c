package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Moment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** What operations ran, from when to when, by an engine's clock. Off until it is told to be on. */
final class Timeline implements Meter {
    private record Span(Phase phase, String operation, double flops, Moment start, Moment end) {}

    private final Engine clock;
    private final List<Span> spans = new ArrayList<>();
    private final Map<Phase, Work> phases = new EnumMap<>(Phase.class);
    private final Map<Phase, Map<String, Work>> operations = new EnumMap<>(Phase.class);
    private boolean on;

    Timeline(Engine clock) {
        this.clock = clock;
    }

    void start() {
        on = true;
    }

    @Override
    public <T> T measure(Phase phase, String operation, double flops, double bytes, Supplier<T> work) {
        if (!on) {
            return work.get();
        }
        Moment start = clock.moment();
        T result = work.get();
        spans.add(new Span(phase, operation, flops, start, clock.moment()));
        return result;
    }

    /** Adds the spans that were marked to the sums, waiting for the last. */
    void stop() {
        on = false;
        for (Span span : spans) {
            double seconds = span.end().secondsSince(span.start());
            span.start().close();
            span.end().close();
            Work work = new Work(1, seconds, span.flops());
            phases.merge(span.phase(), work, Work::plus);
            operations
                    .computeIfAbsent(span.phase(), phase -> new TreeMap<>())
                    .merge(span.operation(), work, Work::plus);
        }
        spans.clear();
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
