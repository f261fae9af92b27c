package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.util.Optional;

/**
 * T5's prefix language modelling (Raffel et al. 2020, section 3.3.1; {@code prefix_lm} and {@code random_prefix_noise_mask}
 * of its code): a stretch of n tokens is cut at a random place, every one of the n - 1 equally likely. The encoder reads
 * what lies before it, the decoder writes the rest; both end with the end piece.
 */
public record PrefixLm() implements Objective {
    /** As T5 has it: a stretch is one token shorter than the inputs' row, whose last place is the end's. */
    @Override
    public Lengths lengths(int inputs, Optional<Integer> targets) {
        int longest = targets.orElse(inputs);
        return new Lengths(Math.min(inputs, longest) - 1, inputs, longest);
    }

    /** Tokens before the cut, 1 to {@code length - 1}. */
    static int prefix(int length, long seed, Place place) {
        Philox words = RandomStream.SPAN_CORRUPTION.at(seed, place.bucket(), place.pass());
        return 1 + (int) (words.uniform(place.example() << SpanCorruption.ELEMENT_BITS) * (length - 1));
    }

    @Override
    public Example example(int[] tokens, long seed, Place place, int vocabularySize, int eosId) {
        int prefix = prefix(tokens.length, seed, place);
        return new Example(
                Objective.ended(tokens, 0, prefix, eosId), Objective.ended(tokens, prefix, tokens.length, eosId));
    }

    @Override
    public int shortest() {
        return 2;
    }

    @Override
    public String describe() {
        return "prefix language modelling: a stretch is cut in two at a random place";
    }
}
