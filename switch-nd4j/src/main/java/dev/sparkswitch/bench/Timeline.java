package dev.sparkswitch.bench;

import dev.sparkswitch.engine.Moment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What operations ran, from when to when. Off until it is told to be on. */
final class Timeline {
    private record Span(Phase phase, String operation, double flops, Moment start, Moment end) {}

    private final List<Span> spans = new ArrayList<>();
    private final Map<Phase, Work> phases = new EnumMap<>(Phase.class);
    private final Map<Phase, Map<String, Work>> operations = new EnumMap<>(Phase.class);
    private boolean on;

    boolean isOn() {
        return on;
    }

    void start() {
        on = true;
    }

    void add(Phase phase, String operation, double flops, Moment start, Moment end) {
        spans.add(new Span(phase, operation, flops, start, end));
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
