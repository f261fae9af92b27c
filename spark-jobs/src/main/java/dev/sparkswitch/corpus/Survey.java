package dev.sparkswitch.corpus;

import java.io.Serializable;

/** What must be known of all examples before the first is written: where their keys lie, and the text's tokens. */
final class Survey implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] examplesOfBin = new long[ShufflePlan.BINS];
    private final TokenStatistics tokens;
    private long length;

    Survey(int vocabularySize) {
        tokens = new TokenStatistics(vocabularySize);
    }

    /** Counts an example of {@code tokens} tokens whose place in the shuffle is {@code key}. */
    void add(long key, int tokens) {
        length += tokens;
        examplesOfBin[ShufflePlan.bin(key)]++;
    }

    Survey merge(Survey other) {
        for (int i = 0; i < examplesOfBin.length; i++) {
            examplesOfBin[i] += other.examplesOfBin[i];
        }
        length += other.length;
        tokens.merge(other.tokens);
        return this;
    }

    /** All examples, one that several passes take in as often. */
    long examples() {
        long examples = 0;
        for (long count : examplesOfBin) {
            examples += count;
        }
        return examples;
    }

    /** The tokens of all examples, before an objective was applied. */
    long length() {
        return length;
    }

    /** The text's tokens, each as often as it is gone through. */
    TokenStatistics tokens() {
        return tokens;
    }

    ShufflePlan plan(long shardExamples) {
        return new ShufflePlan(examplesOfBin, shardExamples);
    }
}
