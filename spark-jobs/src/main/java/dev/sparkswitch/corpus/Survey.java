package dev.sparkswitch.corpus;

import java.io.Serializable;

/** What must be known of all examples before the first is written: where their keys lie, and the text's tokens. */
final class Survey implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] examplesOfBin = new long[ShufflePlan.BINS];
    private final TokenStatistics tokens;
    private long inputTokens;
    private long targetTokens;

    Survey(int vocabularySize) {
        tokens = new TokenStatistics(vocabularySize);
    }

    /** Counts an example whose place in the shuffle is {@code key}. */
    void add(long key) {
        examplesOfBin[ShufflePlan.bin(key)]++;
    }

    /** Counts what {@code times} of an example take in rows; needed only where rows are packed. */
    void addLengths(Objective.Example example, int times) {
        inputTokens += (long) times * example.inputs().length;
        targetTokens += (long) times * example.targets().length;
    }

    Survey merge(Survey other) {
        for (int i = 0; i < examplesOfBin.length; i++) {
            examplesOfBin[i] += other.examplesOfBin[i];
        }
        inputTokens += other.inputTokens;
        targetTokens += other.targetTokens;
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

    /** Examples that a packed row holds on average if the side that is fuller leaves no gap, which is the most. */
    double examplesOfRow(int inputLength, int targetLength) {
        double rows = Math.max((double) inputTokens / inputLength, (double) targetTokens / targetLength);
        return examples() / rows;
    }

    /** The text's tokens, each as often as it is gone through. */
    TokenStatistics tokens() {
        return tokens;
    }

    ShufflePlan plan(long shardExamples) {
        return new ShufflePlan(examplesOfBin, shardExamples);
    }
}
