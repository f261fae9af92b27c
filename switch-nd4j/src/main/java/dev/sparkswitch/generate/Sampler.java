package dev.sparkswitch.generate;

import dev.sparkswitch.base.RandomStream;
import java.util.Arrays;

/**
 * Draws tokens by their probabilities under temperature, top-k and top-p, in this order, as the logits warpers of Hugging
 * Face's transformers have them. The random number of a token depends on the seed, the row's id and the token's position
 * alone.
 */
final class Sampler {
    private final double temperature;
    private final int topK;
    private final double topP;
    private final long seed;

    Sampler(GenerationConfig settings) {
        this.temperature = settings.temperature();
        this.topK = settings.topK();
        this.topP = settings.topP();
        this.seed = settings.seed();
    }

    /** A token; changes the logits. */
    int draw(Scores logits, long rowId, int position) {
        warp(logits);
        double max = logits.at(logits.best());
        double sum = 0;
        for (int id = 0; id < logits.count(); id++) {
            sum += Math.exp(logits.at(id) - max);
        }
        double left = sum * RandomStream.SAMPLING.at(seed, position, 0).uniform(rowId);
        int last = logits.best();
        for (int id = 0; id < logits.count(); id++) {
            double share = Math.exp(logits.at(id) - max);
            if (share > 0) {
                if (left < share) {
                    return id;
                }
                left -= share;
                last = id;
            }
        }
        return last;
    }

    /** Applies the temperature and makes impossible what is not drawn from. */
    void warp(Scores logits) {
        if (temperature != 1) {
            logits.divide(temperature);
        }
        if (topK > 0 && topK < logits.count()) {
            double[] sorted = logits.copy();
            Arrays.sort(sorted);
            double least = sorted[sorted.length - topK];
            for (int id = 0; id < logits.count(); id++) {
                if (logits.at(id) < least) {
                    logits.forbid(id);
                }
            }
        }
        if (topP < 1) {
            forbidTail(logits);
        }
    }

    /** The least probable tokens whose probabilities add up to 1 - top-p at most; of equal ones the lower id goes first. */
    private void forbidTail(Scores logits) {
        long[] ascending = new long[logits.count()];
        double max = logits.at(logits.best());
        double sum = 0;
        for (int id = 0; id < ascending.length; id++) {
            ascending[id] = (long) sortable((float) logits.at(id)) << 32 | id;
            sum += Math.exp(logits.at(id) - max);
        }
        Arrays.sort(ascending);
        double mass = 0;
        for (int i = 0; i < ascending.length - 1; i++) {
            int id = (int) ascending[i];
            mass += Math.exp(logits.at(id) - max) / sum;
            if (mass > 1 - topP) {
                return;
            }
            logits.forbid(id);
        }
    }

    /** An integer in the order of floats. */
    private static int sortable(float value) {
        int bits = Float.floatToIntBits(value);
        return bits < 0 ? ~bits ^ Integer.MIN_VALUE : bits;
    }
}
