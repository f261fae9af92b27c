package dev.sparkswitch.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Lines of a run's {@code metrics.jsonl}, to be compared with another run's. */
public final class Curves {
    private static final List<String> OF_A_CLOCK = List.of("seconds", "trained", "elapsed", "tokens-per-second");

    private Curves() {}

    /** A line without what a clock says. */
    public static JsonNode withoutTimes(ObjectNode line) {
        return line.without(OF_A_CLOCK);
    }
}
