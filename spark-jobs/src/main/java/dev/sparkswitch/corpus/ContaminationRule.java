package dev.sparkswitch.corpus;

import dev.sparkswitch.corpus.overlap.EvaluationGrams;
import dev.sparkswitch.corpus.overlap.WordGrams;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.broadcast.Broadcast;

/**
 * Drops documents that share a run of words with an evaluation set, or takes the shared words out of them (Brown et al.
 * 2020, appendix C; there 13 words too).
 *
 * @param grams the runs of all sets
 * @param names of the sets, in the order of their bits
 */
record ContaminationRule(Broadcast<EvaluationGrams> grams, List<String> names, DecontaminateConfig.Action action)
        implements Rule {
    static final String DROPPED = "dropped-contaminated-";
    static final String FOUND = "contaminated-";

    @Override
    public List<String> counters() {
        List<String> counters = new ArrayList<>();
        for (String name : names) {
            counters.add(FOUND + name);
            counters.add(DROPPED + name);
        }
        return counters;
    }

    @Override
    public Optional<Document> apply(Document document, Tally tally) {
        Scan scan = new Scan(grams.value(), document.text());
        if (scan.sets == 0) {
            return Optional.of(document);
        }
        for (int set = 0; set < names.size(); set++) {
            if ((scan.sets >>> set & 1) != 0) {
                tally.count(FOUND + names.get(set));
            }
        }
        String rest =
                switch (action) {
                    case DROP -> "";
                    case MASK -> scan.rest();
                };
        if (rest.isBlank()) {
            // One reason a document: that of the first set.
            tally.count(DROPPED + names.get(Long.numberOfTrailingZeros(scan.sets)));
            return Optional.empty();
        }
        return Optional.of(document.withText(rest));
    }

    /** What one text shares with the sets. */
    private static final class Scan {
        private final String text;
        private final StringBuilder kept = new StringBuilder();
        private long sets;
        /** Up to where the text is either kept or taken out. */
        private int done;

        Scan(EvaluationGrams grams, String text) {
            this.text = text;
            new WordGrams(grams.length()).scan(text, (hash, from, to) -> found(grams.sets(hash), from, to));
        }

        private void found(long in, int from, int to) {
            if (in == 0) {
                return;
            }
            sets |= in;
            // Runs come in order and overlap: what lies between two of them stays.
            if (from > done) {
                kept.append(text, done, from);
            }
            done = to;
        }

        String rest() {
            return kept.append(text, done, text.length()).toString();
        }
    }
}
