package dev.sparkswitch.corpus;

import java.util.Optional;

/**
 * Plain language modelling with an encoder-decoder ({@code lm} of T5's code): the encoder reads an empty text, which is the
 * end piece alone, and the decoder writes the whole stretch and its end. No randomness.
 */
public record PlainLm() implements Objective {
    /** Without a length of targets, they are as long as inputs would be. */
    @Override
    public Lengths lengths(int inputs, Optional<Integer> targets) {
        int length = targets.orElse(inputs);
        return new Lengths(length - 1, 1, length);
    }

    @Override
    public Example example(int[] tokens, long seed, Place place, int vocabularySize, int eosId) {
        return new Example(new int[] {eosId}, Objective.ended(tokens, 0, tokens.length, eosId));
    }

    @Override
    public int shortest() {
        return 1;
    }

    @Override
    public String describe() {
        return "plain language modelling: an empty input, the whole stretch as the target";
    }
}
