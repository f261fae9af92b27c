package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Choice;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Optional;

/** How a stretch of text becomes what an encoder reads and a decoder is to write. */
@Choice("kind")
public sealed interface Objective extends Serializable permits SpanCorruption, PrefixLm, PlainLm {
    /**
     * What fits a row.
     *
     * @param raw tokens of a stretch
     * @param inputs positions of a row's inputs, which no input of such a stretch exceeds, its end included
     * @param targets positions of a row's targets, likewise
     */
    record Lengths(int raw, int inputs, int targets) {}

    /** An example's two sequences, without padding. */
    record Example(int[] inputs, int[] targets) {}

    /**
     * Where a stretch lies and how often it was used before: with the seed, all that its randomness depends on.
     *
     * @param bucket its bucket, counted over all sources
     * @param example its number in the bucket
     * @param pass how many times the text was gone through before
     */
    record Place(int bucket, long example, int pass) {}

    /**
     * What fits rows of the wanted lengths.
     *
     * @param inputs positions of a row's inputs
     * @param targets positions of a row's targets, empty for as many as are needed
     */
    Lengths lengths(int inputs, Optional<Integer> targets);

    /**
     * The example that a stretch gives; each sequence ends with the end piece.
     *
     * @param tokens at least {@link #shortest()} of them
     * @param vocabularySize pieces and sentinels
     */
    Example example(int[] tokens, long seed, Place place, int vocabularySize, int eosId);

    /** A stretch of fewer tokens gives no example. */
    int shortest();

    /** A line for people. */
    String describe();

    /** The tokens from {@code from} to {@code to}, and the end piece. */
    static int[] ended(int[] tokens, int from, int to, int eosId) {
        int[] ended = Arrays.copyOfRange(tokens, from, to + 1);
        ended[to - from] = eosId;
        return ended;
    }
}
