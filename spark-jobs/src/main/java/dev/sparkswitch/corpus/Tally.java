package dev.sparkswitch.corpus;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Counts by name, for the rules of one pass. */
final class Tally {
    private final Map<String, Integer> places = new HashMap<>();
    private final long[] counts;

    Tally(List<String> names) {
        for (String name : names) {
            places.putIfAbsent(name, places.size());
        }
        counts = new long[places.size()];
    }

    void count(String name) {
        Integer place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("the counter " + name + " was not declared");
        }
        counts[place]++;
    }

    long[] counts() {
        return counts;
    }

    void clear() {
        Arrays.fill(counts, 0);
    }

    Map<String, Long> byName() {
        Map<String, Long> named = new HashMap<>();
        places.forEach((name, place) -> named.put(name, counts[place]));
        return named;
    }
}
