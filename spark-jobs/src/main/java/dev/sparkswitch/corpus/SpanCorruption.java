package dev.sparkswitch.corpus;

import dev.sparkswitch.base.RandomStream;
import java.io.Serializable;
import java.util.Arrays;

/**
 * T5's span corruption (Raffel et al. 2020, section 3.1.4; {@code random_spans_helper}, {@code random_spans_noise_mask}
 * and {@code noise_span_to_unique_sentinel} of its code): spans of the text are replaced by sentinels in the inputs, and
 * the targets are what was left out, each span after its sentinel. Both end with the end piece; there is no closing
 * sentinel.
 *
 * @param noiseDensity the share of tokens that is left out
 * @param meanSpanLength tokens a span has on average
 */
public record SpanCorruption(double noiseDensity, double meanSpanLength) implements Serializable {
    /** Random words of one example lie within this many elements, those of the rest's cuts in the upper half. */
    private static final int ELEMENT_BITS = 22;

    /** The longest text that {@link #mask(int, long, int, int, long)} takes: tokens. */
    public static final int MAX_LENGTH = 1 << (ELEMENT_BITS - 1);

    public SpanCorruption {
        if (!(noiseDensity > 0 && noiseDensity < 1)) {
            throw new IllegalArgumentException("noise-density " + noiseDensity + " must lie between 0 and 1");
        }
        if (!(meanSpanLength >= 1)) {
            throw new IllegalArgumentException("mean-span-length " + meanSpanLength + " must be 1 or more");
        }
    }

    /**
     * Tokens of one example, ends included.
     *
     * @param raw tokens of text
     * @param inputs tokens of the corrupted text
     * @param targets tokens of what was left out
     * @param spans spans left out, which is also the number of sentinels
     */
    public record Lengths(int raw, int inputs, int targets, int spans) {}

    /** An example's two sequences, without padding. */
    public record Example(int[] inputs, int[] targets) {}

    /** How the tokens of one text are shared out. */
    record Counts(int noise, int spans, int rest) {}

    private Lengths lengthsOfRaw(int raw) {
        int noise = (int) Math.rint(raw * noiseDensity);
        int spans = (int) Math.rint(noise / meanSpanLength);
        return new Lengths(raw, raw - noise + spans + 1, noise + spans + 1, spans);
    }

    /** The longest text whose inputs fit into {@code inputLength} tokens, and what becomes of it. */
    public Lengths lengths(int inputLength) {
        int raw = inputLength - 1;
        while (lengthsOfRaw(raw + 1).inputs() <= inputLength) {
            raw++;
        }
        Lengths lengths = lengthsOfRaw(raw);
        if (noiseDensity == 0.5 && lengths.targets() > lengths.inputs()) {
            // T5's exception: it keeps the round length that was asked for.
            return new Lengths(raw - 1, lengths.inputs(), lengths.targets() - 1, lengths.spans());
        }
        return lengths;
    }

    /** Noise, spans and rest of a text; in float32 and with ties to even, as T5 computes them. */
    Counts counts(int length) {
        int atLeastTwo = Math.max(length, 2);
        int noise = (int) Math.rint((float) atLeastTwo * (float) noiseDensity);
        noise = Math.min(Math.max(noise, 1), atLeastTwo - 1);
        int spans = Math.max((int) Math.rint((float) noise / (float) meanSpanLength), 1);
        int rest = atLeastTwo - noise;
        // Every span follows a part of the rest, so there cannot be more of them than tokens of it.
        return new Counts(noise, Math.min(spans, rest), rest);
    }

    /**
     * Which tokens of a text are left out. Noise and rest are each cut into as many non-empty parts as there are spans,
     * at random, and take turns, the rest first.
     *
     * @param length tokens of the text, 1 to {@link #MAX_LENGTH}
     * @param bucket with {@code example} the text's place in the corpus, which decides on its randomness
     * @param pass how many times the corpus was gone through before: every time has masks of its own
     */
    public boolean[] mask(int length, long seed, int bucket, int pass, long example) {
        Counts counts = counts(length);
        Draws draws = new Draws(RandomStream.SPAN_CORRUPTION.at(seed, bucket, pass), example << ELEMENT_BITS);
        int[] noise = parts(counts.noise(), counts.spans(), draws);
        draws.moveTo((example << ELEMENT_BITS) + MAX_LENGTH);
        int[] rest = parts(counts.rest(), counts.spans(), draws);
        boolean[] mask = new boolean[counts.noise() + counts.rest()];
        int at = 0;
        for (int span = 0; span < noise.length; span++) {
            at += rest[span];
            Arrays.fill(mask, at, at + noise[span], true);
            at += noise[span];
        }
        return Arrays.copyOf(mask, length);
    }

    /** Cuts {@code items} into {@code parts} non-empty ones, every way equally likely (selection sampling). */
    private static int[] parts(int items, int parts, Draws draws) {
        int[] sizes = new int[parts];
        int part = 0;
        int size = 1;
        for (int item = 1; item < items; item++) {
            int cutsLeft = parts - 1 - part;
            int placesLeft = items - item;
            if (draws.next() * placesLeft < cutsLeft) {
                sizes[part++] = size;
                size = 0;
            }
            size++;
        }
        sizes[part] = size;
        return sizes;
    }

    /**
     * Inputs and targets of a text, each with its end.
     *
     * @param vocabularySize the first sentinel is one below it, the others follow downwards
     */
    public static Example corrupt(int[] tokens, boolean[] mask, int vocabularySize, int eosId) {
        boolean[] inverse = new boolean[mask.length];
        for (int i = 0; i < mask.length; i++) {
            inverse[i] = !mask[i];
        }
        return new Example(
                withEnd(replaceSpans(tokens, mask, vocabularySize), eosId),
                withEnd(replaceSpans(tokens, inverse, vocabularySize), eosId));
    }

    /** The tokens, each run of masked ones replaced by one sentinel. */
    static int[] replaceSpans(int[] tokens, boolean[] mask, int vocabularySize) {
        int[] result = new int[tokens.length];
        int length = 0;
        int sentinel = vocabularySize;
        for (int i = 0; i < tokens.length; i++) {
            if (!mask[i]) {
                result[length++] = tokens[i];
            } else if (i == 0 || !mask[i - 1]) {
                result[length++] = --sentinel;
            }
        }
        return Arrays.copyOf(result, length);
    }

    private static int[] withEnd(int[] tokens, int eosId) {
        int[] ended = Arrays.copyOf(tokens, tokens.length + 1);
        ended[tokens.length] = eosId;
        return ended;
    }
}
