package dev.sparkswitch.corpus;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts by name, for the rules of one pass. */
final class Tally {
    static final String DROPPED = "dropped-";

    private final Map<String, Integer> places = new HashMap<>();
    private final TreeMap<String, Long> languages = new TreeMap<>();
    private final long[] counts;
    private String lastDrop = "";
    private String lastLanguage = "";

    Tally(List<String> names) {
        for (String name : names) {
            places.putIfAbsent(name, places.size());
        }
        counts = new long[places.size()];
    }

    void count(String name) {
        add(name, 1);
    }

    void add(String name, long more) {
        Integer place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("the counter " + name + " was not declared");
        }
        counts[place] += more;
        if (name.startsWith(DROPPED)) {
            lastDrop = name;
        }
    }

    /** Says which language a document was found to be in. */
    void identified(String language) {
        lastLanguage = language;
        languages.merge(language, 1L, Long::sum);
    }

    /** The counter of dropped documents that was counted since {@link #begin}: the reason why it was dropped. */
    String lastDrop() {
        return lastDrop;
    }

    /** The language that the document was found to be in, or empty. */
    String lastLanguage() {
        return lastLanguage;
    }

    /** Documents by the language that they were found to be in. */
    Map<String, Long> languages() {
        return languages;
    }

    long[] counts() {
        return counts;
    }

    /** Forgets what was said of the document before. */
    void begin() {
        lastDrop = "";
        lastLanguage = "";
    }

    Map<String, Long> byName() {
        Map<String, Long> named = new HashMap<>();
        places.forEach((name, place) -> named.put(name, counts[place]));
        return named;
    }
}
