package dev.sparkswitch.corpus;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.InternalException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a pass did to one part, or to all of them. Written beside the part's documents when these are whole, so it also says
 * that they are.
 *
 * @param documents the file with the documents that are left, empty for all parts together
 * @param dropped the file with those that were dropped, empty if they are not kept
 * @param counts by the names of counters
 * @param languages documents by the language that they were found to be in
 * @param read documents by length, in bins as a report's histograms have them; those that came into the pass
 * @param kept the same of those that are left
 * @param samples some of the dropped
 * @param unreadable places that could not be read, and why; the first of them
 * @param nanos time in each rule, summed over tasks
 */
record PartSummary(
        String documents,
        String dropped,
        TreeMap<String, Long> counts,
        TreeMap<String, Long> languages,
        long[] read,
        long[] kept,
        List<Sample> samples,
        List<String> unreadable,
        TreeMap<String, Long> nanos) {
    /** Enough to see what a rule is after. */
    static final int SAMPLES_OF_A_REASON = 4;

    static final int UNREADABLE_SHOWN = 50;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A dropped document.
     *
     * @param order a hash of it: the smallest ones are shown, whatever part they were in
     */
    record Sample(String reason, String source, long position, String text, long order) {}

    static PartSummary empty(int bins) {
        return new PartSummary(
                "",
                "",
                new TreeMap<>(),
                new TreeMap<>(),
                new long[bins],
                new long[bins],
                new ArrayList<>(),
                new ArrayList<>(),
                new TreeMap<>());
    }

    /** Adds another part to this summary. */
    void add(PartSummary other) {
        sum(counts, other.counts);
        sum(languages, other.languages);
        sum(nanos, other.nanos);
        for (int i = 0; i < read.length; i++) {
            read[i] += other.read[i];
            kept[i] += other.kept[i];
        }
        other.samples.forEach(this::offer);
        for (String place : other.unreadable) {
            if (unreadable.size() < UNREADABLE_SHOWN) {
                unreadable.add(place);
            }
        }
    }

    /** Takes a sample if there are few of its reason, or instead of the one that is last in order. */
    void offer(Sample sample) {
        int same = 0;
        Sample last = null;
        for (Sample other : samples) {
            if (other.reason().equals(sample.reason())) {
                same++;
                last = last == null || last.order() < other.order() ? other : last;
            }
        }
        if (same < SAMPLES_OF_A_REASON) {
            samples.add(sample);
        } else if (sample.order() < last.order()) {
            samples.set(samples.indexOf(last), sample);
        }
    }

    /** The samples by reason and order. */
    List<Sample> sorted() {
        List<Sample> sorted = new ArrayList<>(samples);
        sorted.sort(Comparator.comparing(Sample::reason).thenComparingLong(Sample::order));
        return sorted;
    }

    private static void sum(TreeMap<String, Long> into, Map<String, Long> more) {
        more.forEach((name, count) -> into.merge(name, count, Long::sum));
    }

    String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new InternalException("a summary cannot be written", e);
        }
    }

    static PartSummary fromJson(String json) throws JsonProcessingException {
        return JSON.readValue(json, PartSummary.class);
    }
}
