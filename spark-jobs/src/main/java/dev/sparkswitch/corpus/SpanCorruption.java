package dev.sparkswitch.corpus;

import dev.sparkswitch.base.RandomStream;
import dev.sparkswitch.base.Setting;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * T5's span corruption (Raffel et al. 2020, section 3.1.4; {@code random_spans_helper}, {@code random_spans_noise_mask}
 * and {@code noise_span_to_unique_sentinel} of its code): spans of the text are replaced by sentinels in the inputs, and
 * the targets are what was left out, each span after its sentinel. Both end with the end piece; there is no closing
 * sentinel.
 *
 * @param noiseDensity the share of tokens that is left out
 * @param meanSpanLength tokens a span has on average
 */
public record SpanCorruption(
        @Setting(value = "0.15", help = "share of the tokens that is left out of the inputs")
        double noiseDensity,

        @Setting(value = "3", help = "tokens that a span left out has on average")
        double meanSpanLength)
        implements Objective {
    /** Random words of one example lie within this many elements, those of the rest's cuts in the upper half. */
    static final int ELEMENT_BITS = 22;

    /** The longest text that {@link #mask} takes: tokens. */
    public static final int MAX_LENGTH = 1 << (ELEMENT_BITS - 1);

    public SpanCorruption {
        if (!(noiseDensity > 0 && noiseDensity < 1)) {
            throw new IllegalArgumentException("noise-density " + noiseDensity + " must lie between 0 and 1");
        }
        if (!(meanSpanLength >= 1)) {
            throw new IllegalArgumentException("mean-span-length " + meanSpanLength + " must be 1 or more");
        }
    }

    /** How the tokens of one text are shared out. */
    record Counts(int noise, int spans, int rest) {}

    private Lengths lengthsOfRaw(int raw) {
        int noise = (int) Math.rint(raw * noiseDensity);
        int spans = (int) Math.rint(noise / meanSpanLength);
        return new Lengths(raw, raw - noise + spans + 1, noise + spans + 1);
    }

    /** The longest text whose inputs fit into {@code inputLength} tokens, and what becomes of it. */
    Lengths lengths(int inputLength) {
        int raw = inputLength - 1;
        while (lengthsOfRaw(raw + 1).inputs() <= inputLength) {
            raw++;
        }
        Lengths lengths = lengthsOfRaw(raw);
        if (noiseDensity == 0.5 && lengths.targets() > lengths.inputs()) {
            // T5's exception: it keeps the round length that was asked for.
            return new Lengths(raw - 1, lengths.inputs(), lengths.targets() - 1);
        }
        return lengths;
    }

    /** T5 refuses targets that do not fit: a shorter stretch would leave the inputs' rows unfilled. */
    @Override
    public Lengths lengths(int inputs, Optional<Integer> targets) {
        Lengths lengths = lengths(inputs);
        if (targets.isPresent() && targets.get() < lengths.targets()) {
            throw new IllegalArgumentException("targets " + targets.get() + " are too short: span corruption of inputs "
                    + inputs + " gives targets of " + lengths.targets());
        }
        return lengths;
    }

    @Override
    public int shortest() {
        return 2;
    }

    @Override
    public Example example(int[] tokens, long seed, Place place, int vocabularySize, int eosId) {
        return corrupt(tokens, mask(tokens.length, seed, place), vocabularySize, eosId);
    }

    @Override
    public String describe() {
        return String.format(
                Locale.ROOT,
                "span corruption: %.0f%% of the tokens in spans of %.1f",
                100 * noiseDensity,
                meanSpanLength);
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
     * @param place decides, with the seed, on its randomness: every pass has masks of its own
     */
    public boolean[] mask(int length, long seed, Place place) {
        Counts counts = counts(length);
        long first = place.example() << ELEMENT_BITS;
        Draws draws = new Draws(RandomStream.SPAN_CORRUPTION.at(seed, place.bucket(), place.pass()), first);
        int[] noise = parts(counts.noise(), counts.spans(), draws);
        draws.moveTo(first + MAX_LENGTH);
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
        int[] inputs = replaceSpans(tokens, mask, vocabularySize);
        int[] targets = replaceSpans(tokens, inverse, vocabularySize);
        return new Example(
                Objective.ended(inputs, 0, inputs.length, eosId), Objective.ended(targets, 0, targets.length, eosId));
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
}
