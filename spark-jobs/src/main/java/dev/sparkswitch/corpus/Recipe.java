package dev.sparkswitch.corpus;

import java.io.Serializable;
import java.util.List;

/**
 * What tasks must know to make examples of what lies in buckets.
 *
 * @param parts one a source, in order of their buckets
 * @param vocabularySize pieces and sentinels
 * @param pieces ids below it are text
 */
record Recipe(List<Part> parts, long seed, int vocabularySize, int pieces, int eosId) implements Serializable {
    /** No source is gone through more often: {@link Lot} has a use for the passes above. */
    static final int MOST_PASSES = 60_000;

    /**
     * A source.
     *
     * @param firstBucket the number of its first bucket
     * @param objective what is made of its stretches; a task, which has none, names any
     * @param passes how many times it is gone through; the broken part is the share of its examples in a last pass
     */
    record Part(String name, int firstBucket, Objective objective, double passes) implements Serializable {}

    Recipe {
        parts = List.copyOf(parts);
    }

    /** The number of the source that {@code bucket} belongs to. */
    int source(int bucket) {
        int source = parts.size() - 1;
        while (parts.get(source).firstBucket() > bucket) {
            source--;
        }
        return source;
    }

    /** The passes that take {@code example} in are those below this number. */
    int passes(int bucket, long example) {
        double passes = parts.get(source(bucket)).passes();
        int whole = (int) passes;
        double broken = passes - whole;
        return broken > 0
                        && Lot.of(seed, new Objective.Place(bucket, example, whole))
                                        .share()
                                < broken
                ? whole + 1
                : whole;
    }

    Objective.Example example(RawExample raw, Objective.Place place) {
        return raw.isStretch()
                ? parts.get(source(place.bucket()))
                        .objective()
                        .example(raw.tokens(), seed, place, vocabularySize, eosId)
                : raw.asPair();
    }

    boolean isText(int token) {
        return token < pieces && token != eosId;
    }
}
