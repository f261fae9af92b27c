package dev.sparkswitch.corpus;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.io.Serializable;

/** How often each token occurs, and what a model that knows only that loses on a token. */
final class TokenStatistics implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] counts;

    TokenStatistics(int vocabularySize) {
        this(new long[vocabularySize]);
    }

    @JsonCreator
    private TokenStatistics(long[] counts) {
        this.counts = counts;
    }

    @JsonValue
    private long[] counts() {
        return counts;
    }

    void add(int token) {
        add(token, 1);
    }

    void add(int token, int times) {
        counts[token] += times;
    }

    TokenStatistics merge(TokenStatistics other) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] += other.counts[i];
        }
        return this;
    }

    long total() {
        long total = 0;
        for (long count : counts) {
            total += count;
        }
        return total;
    }

    /**
     * The entropy of these tokens: sum over tokens of -p ln p, p = count / total (nats a token). No model that ignores
     * context can lose less on them.
     */
    double entropy() {
        double total = total();
        double sum = 0;
        for (long count : counts) {
            if (count > 0) {
                sum -= count / total * StrictMath.log(count / total);
            }
        }
        return sum;
    }

    /**
     * The mean of -ln q over these tokens, where q is the distribution of {@code model}'s tokens with one more count
     * for each of the {@code pieces} first ids, so that none has q = 0 (nats a token).
     */
    double crossEntropy(TokenStatistics model, int pieces) {
        double logTotal = StrictMath.log(model.total() + (double) pieces);
        double sum = 0;
        for (int token = 0; token < counts.length; token++) {
            if (counts[token] > 0) {
                sum += counts[token] * (logTotal - StrictMath.log(model.counts[token] + 1.0));
            }
        }
        return sum / total();
    }
}
